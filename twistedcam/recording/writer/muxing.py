"""Makes a file's packets from a camera's JPEGs or packets, on the writing thread."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any, Protocol

import av
import av.error
import av.subtitles.stream  # PyAV imports it late, when the process may have no file to spare

from twistedcam.codecs.h264_encoder import YuvDecoder, mark_keyframe, not_encodable
from twistedcam.media.timed_frame import H264Packet, TimedFrame
from twistedcam.recording.containers import Format
from twistedcam.recording.settings import RecordSettings

#: Microseconds of recording between two key frames.
_KEYFRAMES = 2_000_000


class PacketEncoder(Protocol):
    """Makes one packet of each picture."""

    def encode(self, timed: TimedFrame, pts: int) -> Any:
        """The packet, or None if the picture is broken.

        Arguments:
            pts: its time in steps of the stream's time base.
        """

    def close(self) -> None:
        """End the stream."""


def make_encoder(
    container: Any, format: Format, settings: RecordSettings, first: TimedFrame
) -> tuple[Any, PacketEncoder]:
    """Add a stream to the container; return it and the encoder for it.

    Raises:
        NotSupported: pictures of this size cannot be encoded.
    """
    base = format.container.time_base
    if format.codec == "copy":
        rate = 1 / base if format.container.muxer == "avi" else Fraction(30)
        stream = container.add_stream("mjpeg", rate=rate)
        stream.width, stream.height = first.width, first.height
        stream.pix_fmt = "yuvj420p"
        stream.time_base = base
        return stream, _Copy(stream, base)
    if first.packet is not None:
        encoded = _Encoded(container, base, first.packet)
        return encoded.stream, encoded
    stream = container.add_stream("libx264", rate=30)
    return stream, _H264(stream, base, settings, first)


class _Copy:
    """The camera's own JPEGs."""

    def __init__(self, stream: Any, base: Fraction) -> None:
        self._stream = stream
        self._base = base

    def encode(self, timed: TimedFrame, pts: int) -> Any:
        if not timed.jpeg:
            return None
        packet = av.Packet(timed.jpeg)
        packet.stream = self._stream
        packet.time_base = self._base
        packet.pts = packet.dts = pts
        packet.is_keyframe = True
        return packet

    def close(self) -> None:
        pass


class _H264:
    """x264."""

    def __init__(
        self, stream: Any, base: Fraction, settings: RecordSettings, first: TimedFrame
    ) -> None:
        self._stream = stream
        self._base = base
        self._pictures = YuvDecoder(first.width, first.height)
        self._next_keyframe = first.time
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
            raise not_encodable(first.width, first.height, str(error.strerror)) from error

    def encode(self, timed: TimedFrame, pts: int) -> Any:
        frame = self._pictures.decode(timed.jpeg)
        if frame is None:
            return None
        frame.pts, frame.time_base = pts, self._base
        keyframe = timed.time >= self._next_keyframe
        mark_keyframe(frame, keyframe)
        if keyframe:
            self._next_keyframe = timed.time + _KEYFRAMES
        packets = self._coder.encode(frame)
        if len(packets) != 1:
            return None
        packet = packets[0]
        packet.stream = self._stream
        return packet

    def close(self) -> None:
        self._coder.encode(None)


class _Encoded:
    """Packets of a transcoder."""

    def __init__(self, container: Any, base: Fraction, first: H264Packet) -> None:
        self.stream = add_packet_stream(container, first.data)
        self.stream.time_base = self._base = base

    def encode(self, timed: TimedFrame, pts: int) -> Any:
        assert timed.packet is not None
        packet = av.Packet(timed.packet.data)
        packet.stream = self.stream
        packet.time_base = self._base
        packet.pts = packet.dts = pts
        packet.is_keyframe = timed.packet.is_keyframe
        return packet

    def close(self) -> None:
        pass


def add_packet_stream(container: Any, keyframe: bytes) -> Any:
    """Add a stream for packets like this one, with its size and headers.

    Arguments:
        keyframe: Annex B, with SPS and PPS.
    """
    with av.open(io.BytesIO(keyframe), format="h264") as read:
        return container.add_stream_from_template(read.streams.video[0])
