"""Received packets of H.264 and H.265, whose pictures are decoded when they are needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from twistedcam.media.frame import UndecodableFrame
from twistedcam.media.packet import Packet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The largest group of pictures of which packets are kept. Of a longer one the first are decoded.
MAX_PACKETS, MAX_BYTES = 900, 16 * 2**20


class VideoPacket(Packet):
    """A packet of H.264 or H.265 from a server.

    It has all of :class:`~twistedcam.media.packet.Packet`, and its picture. Arguments as there, and
    ``group``, the packets that a decoder needs.
    """

    __slots__ = ("_group", "_image")

    def __init__(self, packet: Packet, group: PictureGroup) -> None:
        super().__init__(
            packet.track,
            packet.seq,
            packet.time_us,
            packet.pts,
            packet.data,
            packet.is_keyframe,
            packet.dts,
        )
        self._group = group
        self._image: NDArray[np.uint8] | None = None

    @property
    def width(self) -> int:
        """The width of the picture in pixels."""
        return self.track.width

    @property
    def height(self) -> int:
        """The height of the picture in pixels."""
        return self.track.height

    @property
    def is_decoded(self) -> bool:
        """True if ``image`` was read, so that reading it costs nothing."""
        return self._image is not None

    @property
    def image(self) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) uint8, BGR; decoded on first use, then kept.

        The packets since the last decoded one are decoded for it. The array is read-only.

        Raises:
            UndecodableFrame: this packet, or one before it, cannot be decoded.
        """
        if self._image is None:
            image = self._group.decode(self)
            image.flags.writeable = False
            self._image = image
        return self._image


class PictureGroup:
    """The packets from a key frame on, and a decoder that has come as far as one of them.

    Packets are added on one thread, and may be decoded on another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._packets: list[Packet] = []
        self._bytes = 0
        self._decoder: Any = None
        #: The number of packets that the decoder has got.
        self._decoded = 0
        #: True if packets are missing from which the decoder would have to begin again.
        self._is_cut = False
        self._error = ""

    def add(self, packet: Packet) -> None:
        """Add the next packet."""
        with self._lock:
            if len(self._packets) >= MAX_PACKETS or self._bytes >= MAX_BYTES:
                self._advance(len(self._packets))
                self._packets.clear()
                self._bytes = self._decoded = 0
                self._is_cut = True
            self._packets.append(packet)
            self._bytes += len(packet.data)

    def decode(self, packet: Packet) -> NDArray[np.uint8]:
        """Return the picture of a packet (VideoPacket.image)."""
        with self._lock:
            index = next((i for i, it in enumerate(self._packets) if it.seq == packet.seq), -1)
            if 0 <= index < self._decoded and not self._is_cut:  # the decoder is further
                self._decoder, self._decoded, self._error = None, 0, ""
            picture = None
            if index >= self._decoded:
                picture = self._advance(index + 1)
                if picture is None and not self._error:
                    picture = self._flush(index)
            if picture is None:
                because = f": {self._error}" if self._error else ""
                codec = packet.track.codec
                raise UndecodableFrame(f"frame {packet.seq} cannot be decoded as {codec}{because}")
            image: NDArray[np.uint8] = picture.to_ndarray(format="bgr24")
            return image

    def _advance(self, end: int) -> Any:
        """Decode up to a packet; return the picture of the last one if it is ready, or None."""
        from twistedcam.media.video_decoder import VideoDecoder  # FFmpeg is loaded when needed

        if self._decoder is None:
            self._decoder = VideoDecoder()
        found = None
        try:
            for packet in self._packets[self._decoded : end]:
                self._decoded += 1
                for each in self._decoder.decode([packet]):
                    if each.packet is self._packets[end - 1]:
                        found = each.picture
        except ValueError as error:
            self._error = str(error)
        return found

    def _flush(self, index: int) -> Any:
        """Return a picture that the decoder holds, because later ones may be shown before it."""
        found = None
        for each in self._decoder.flush():
            if each.packet is self._packets[index]:
                found = each.picture
        self._decoder, self._decoded = None, 0
        if self._is_cut:
            self._error = "its group of pictures is too long"
        return found


class PictureGroups:
    """Makes the packets of one connection VideoPackets."""

    def __init__(self) -> None:
        self._group = PictureGroup()

    def add(self, packet: Packet) -> VideoPacket:
        """Return the packet, with its picture."""
        if packet.is_keyframe:
            self._group = PictureGroup()
        self._group.add(packet)
        return VideoPacket(packet, self._group)
