"""Makes a file's packets from a camera's JPEGs or packets, on the writing thread."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any, Protocol

from twistedcam.codecs.h264_encoder import YuvDecoder, mark_keyframe, not_encodable
from twistedcam.media.packet import Packet
from twistedcam.recording.containers import Format
from twistedcam.recording.settings import RecordSettings
from twistedcam.util.libraries import av

#: Microseconds of recording between two key frames.
_KEYFRAMES = 2_000_000


class PacketEncoder(Protocol):
    """Makes one muxer packet of each packet of a camera."""

    def encode(self, packet: Packet, pts: int) -> Any:
        """The packet, or None if the picture is broken.

        Arguments:
            pts: its time in steps of the stream's time base.
        """

    def close(self) -> None:
        """End the stream."""


def make_encoder(
    container: Any, format: Format, settings: RecordSettings, first: Packet
) -> tuple[Any, PacketEncoder]:
    """Add a stream to the container; return it and the encoder for it.

    Raises:
        NotSupported: pictures of this size cannot be encoded.
    """
    base = format.container.time_base
    if first.track.codec != "mjpeg":
        coded = _Coded(container, base, first)
        return coded.stream, coded
    if format.codec == "copy":
        rate = 1 / base if format.container.muxer == "avi" else Fraction(30)
        stream = container.add_stream("mjpeg", rate=rate)
        stream.width, stream.height = first.size
        stream.pix_fmt = "yuvj420p"
        stream.time_base = base
        return stream, _Copy(stream, base)
    stream = container.add_stream("libx264", rate=30)
    return stream, _H264(stream, base, settings, first)


class _Copy:
    """The camera's own JPEGs."""

    def __init__(self, stream: Any, base: Fraction) -> None:
        self._stream = stream
        self._base = base

    def encode(self, packet: Packet, pts: int) -> Any:
        if not packet.data:
            return None
        copied = av.Packet(packet.data)
        copied.stream = self._stream
        copied.time_base = self._base
        copied.pts = copied.dts = pts
        copied.is_keyframe = True
        return copied

    def close(self) -> None:
        pass


class _H264:
    """x264."""

    def __init__(
        self, stream: Any, base: Fraction, settings: RecordSettings, first: Packet
    ) -> None:
        self._stream = stream
        self._base = base
        self._pictures = YuvDecoder(*first.size)
        self._next_keyframe = first.dts
        coder = stream.codec_context
        self._pictures.describe(coder)
        coder.time_base = stream.time_base = base
        # zerolatency: each picture's packet comes at once, so that a crash loses none.
        coder.options = {
            "preset": settings.preset,
            "crf": str(settings.crf),
            "tune": "zerolatency",
        }
        self._coder = coder
        try:
            coder.open()
        except av.error.FFmpegError as error:
            raise not_encodable(*first.size, str(error.strerror)) from error

    def encode(self, packet: Packet, pts: int) -> Any:
        frame = self._pictures.decode(packet.data)
        if frame is None:
            return None
        frame.pts, frame.time_base = pts, self._base
        keyframe = packet.dts >= self._next_keyframe
        mark_keyframe(frame, keyframe)
        if keyframe:
            self._next_keyframe = packet.dts + _KEYFRAMES
        packets = self._coder.encode(frame)
        if len(packets) != 1:
            return None
        packets[0].stream = self._stream
        return packets[0]

    def close(self) -> None:
        self._coder.encode(None)


class _Coded:
    """H.264 or H.265 as it comes."""

    def __init__(self, container: Any, base: Fraction, first: Packet) -> None:
        self.stream = add_packet_stream(container, first.track.codec, first.data)
        self.stream.time_base = self._base = base

    def encode(self, packet: Packet, pts: int) -> Any:
        coded = av.Packet(packet.data)
        coded.stream = self.stream
        coded.time_base = self._base
        coded.dts = pts
        coded.pts = pts
        if packet.pts != packet.dts:
            coded.pts += round(Fraction(packet.pts - packet.dts, 1_000_000) / self._base)
        coded.is_keyframe = packet.is_keyframe
        return coded

    def close(self) -> None:
        pass


def add_packet_stream(container: Any, codec: str, keyframe: bytes) -> Any:
    """Add a stream for packets like this one, with its size and headers.

    Arguments:
        codec: FFmpeg's name of the codec.
        keyframe: Annex B, with its parameter sets.
    """
    with av.open(io.BytesIO(keyframe), format=codec) as read:
        stream = container.add_stream_from_template(read.streams.video[0])
    if codec == "hevc" and container.format.name in ("mp4", "mov"):
        stream.codec_context.codec_tag = "hvc1"  # Apple's players need it
    return stream
