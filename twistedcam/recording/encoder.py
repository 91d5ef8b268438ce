"""From a camera's JPEGs to the packets of a film. All of it runs on the recorder's thread."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any, Protocol

import av
import av.error

from twistedcam.recording.formats import Format
from twistedcam.recording.moment import Moment
from twistedcam.recording.settings import RecordSettings

#: Microseconds of film between two frames that a player can jump to.
_KEYFRAMES = 2_000_000
#: Pixels up to which one thread encodes 30 a second with ease.
_ONE_THREAD = 1280 * 720
_PIC_I, _PIC_NONE = 1, 0
#: JFIF is full range, with the matrix of BT.601 (JFIF 1.02) and the colours of sRGB.
_FULL_RANGE, _BT470BG, _BT709, _SRGB = 2, 5, 1, 13


class PacketEncoder(Protocol):
    """Makes one packet of each picture, at once."""

    def encode(self, moment: Moment, pts: int) -> Any:
        """The packet, or None if the picture is broken.

        Arguments:
            pts: its time in steps of the stream's time base.
        """

    def close(self) -> None:
        """No more pictures will come."""


def make_encoder(
    container: Any, format: Format, settings: RecordSettings, first: Moment
) -> tuple[Any, PacketEncoder]:
    """The stream in the container and what makes packets for it."""
    base = format.container.time_base
    if format.codec == "copy":
        rate = 1 / base if format.container.muxer == "avi" else Fraction(30)
        stream = container.add_stream("mjpeg", rate=rate)
        stream.width, stream.height = first.width, first.height
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

    def encode(self, moment: Moment, pts: int) -> Any:
        packet = av.Packet(moment.jpeg)
        packet.stream = self._stream
        packet.time_base = self._base
        packet.pts = packet.dts = pts
        packet.is_keyframe = True
        return packet

    def close(self) -> None:
        """Nothing is kept."""


class _H264:
    """x264, fed with what the JPEG decoder gives: no detour through RGB."""

    def __init__(
        self, stream: Any, base: Fraction, settings: RecordSettings, first: Moment
    ) -> None:
        self._stream = stream
        self._base = base
        self._size = first.width & ~1, first.height & ~1  # 4:2:0 has pairs of pixels
        self._decoder: Any = av.CodecContext.create("mjpeg", "r")
        self._next_keyframe = first.time
        coder = stream.codec_context
        coder.width, coder.height = self._size
        coder.pix_fmt = "yuv420p"
        coder.time_base = stream.time_base = base
        coder.color_range, coder.colorspace = _FULL_RANGE, _BT470BG
        coder.color_primaries, coder.color_trc = _BT709, _SRGB
        small = first.width * first.height <= _ONE_THREAD
        coder.thread_count = 1 if small else min(4, os.cpu_count() or 1)
        # zerolatency: each picture's packet comes at once, so that a crash loses none in here.
        coder.options = {
            "preset": settings.preset,
            "crf": str(settings.crf),
            "tune": "zerolatency",
        }
        self._coder = coder

    def encode(self, moment: Moment, pts: int) -> Any:
        try:
            frames = self._decoder.decode(av.Packet(moment.jpeg))
        except av.error.InvalidDataError:
            return None
        if not frames:
            return None
        frame = frames[0]
        if frame.format.name != "yuvj420p" or (frame.width, frame.height) != self._size:
            width, height = self._size
            frame = frame.reformat(width, height, "yuvj420p", interpolation="FAST_BILINEAR")
        frame.pts, frame.time_base = pts, self._base
        if moment.time >= self._next_keyframe:
            frame.pict_type = _PIC_I
            self._next_keyframe = moment.time + _KEYFRAMES
        else:
            frame.pict_type = _PIC_NONE
        (packet,) = self._coder.encode(frame)
        packet.stream = self._stream
        return packet

    def close(self) -> None:
        self._coder.encode(None)
