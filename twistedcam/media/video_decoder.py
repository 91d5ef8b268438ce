"""Decodes packets of video to pictures, in the order in which they are shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.util.libraries import av


class DecodedPicture(NamedTuple):
    """A decoded picture.

    Arguments:
        packet: the packet that it was in.
        picture: the picture as av.VideoFrame.
        seq: its number in the order in which pictures are shown. Packets are numbered in the order
            in which they are decoded, which is another with B-frames.
    """

    packet: Packet
    picture: Any
    seq: int


class VideoDecoder:
    """Decodes one track after the other. All methods block.

    After a packet that cannot be decoded, it needs a key frame.

    Arguments:
        is_rough: True to leave out the filter of the blocks' edges, which takes four tenths of the
            time: for pictures that nobody sees.
    """

    def __init__(self, is_rough: bool = False) -> None:
        self._options = {"skip_loop_filter": "nokey"} if is_rough else {}
        self._track: Track | None = None
        self._decoder: Any = None
        self._needs_keyframe = True
        #: Packets in the decoder, by the numbers that they have there.
        self._packets: dict[int, Packet] = {}
        #: The numbers of packets that no picture has got yet.
        self._seqs: deque[int] = deque()
        self._count = 0

    def decode(self, packets: Iterable[Packet]) -> list[DecodedPicture]:
        """Decode packets that follow those of the last call; return the pictures that are ready.

        Packets are left out until the first key frame.

        Raises:
            ValueError: a packet cannot be decoded; those after it were not.
            NotSupported: there is no decoder for the track.
        """
        ready = []
        for packet in packets:
            if self._track != packet.track or self._decoder is None:
                self._open(packet.track)
            if self._needs_keyframe and not packet.is_keyframe:
                continue
            ready += self._decode(packet)
        return ready

    def reset(self) -> None:
        """Begin again with the next key frame."""
        self._decoder = None
        self._packets.clear()
        self._seqs.clear()

    def _open(self, track: Track) -> None:
        self.reset()
        try:
            # One thread for each slice only: threads for each frame would delay the pictures.
            self._decoder = av.CodecContext.create(track.codec, "r")
            self._decoder.thread_type = "SLICE"
            self._decoder.options = self._options
        except (av.error.FFmpegError, ValueError) as error:
            self._decoder = None
            raise NotSupported(f"there is no decoder for {track.codec} here") from error
        self._track, self._needs_keyframe = track, True

    def flush(self) -> list[DecodedPicture]:
        """Return the pictures that the decoder still holds, and begin again."""
        if self._decoder is None:
            return []
        pictures = self._ready(self._decoder.decode(None))
        self.reset()
        return pictures

    def _decode(self, packet: Packet) -> list[DecodedPicture]:
        self._count += 1
        coded = av.Packet(packet.data)
        coded.pts = coded.dts = self._count
        self._packets[self._count] = packet
        self._seqs.append(packet.seq)
        try:
            pictures = self._decoder.decode(coded)
        except (av.error.FFmpegError, ValueError) as error:
            self.reset()
            reason = getattr(error, "strerror", None) or str(error)
            raise ValueError(f"a picture cannot be decoded: {reason}") from None
        self._needs_keyframe = False
        ready = self._ready(pictures)
        if len(self._packets) > 64:  # pictures that the decoder has dropped
            for number in list(self._packets)[:-32]:
                del self._packets[number]
        while len(self._seqs) > 64:
            self._seqs.popleft()
        return ready

    def _ready(self, pictures: Iterable[Any]) -> list[DecodedPicture]:
        ready = []
        for picture in pictures:
            packet = self._packets.pop(picture.pts, None)
            if packet is None:
                continue
            seq = self._number(packet)
            if not picture.is_corrupt:
                ready.append(DecodedPicture(packet, picture, seq))
        return ready

    def _number(self, packet: Packet) -> int:
        """Return the number of a packet's picture: the least that none before it has got."""
        if packet.is_keyframe:  # the decoder has dropped the pictures of earlier packets
            while self._seqs and self._seqs[0] < packet.seq:
                self._seqs.popleft()
        return self._seqs.popleft() if self._seqs else packet.seq
