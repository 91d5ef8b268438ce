"""H.264 of a camera's JPEGs, by the encoder that was asked for or the one that works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import av.logging
import numpy as np
from av.codec.hwaccel import HWAccel

from twistedcam.errors import BadArgument, NotSupported
from twistedcam.media.jpeg_decoder import decode_jpeg
from twistedcam.media.packet import Packet

#: What may be asked for; ``auto`` is the first of the hardware's that works, else libx264.
HARDWARE = ("h264_nvenc", "h264_videotoolbox", "h264_v4l2m2m", "h264_vaapi")
ENCODERS = ("libx264", "auto", *HARDWARE)
#: What PyAV raises for an encoder that cannot be had.
_NOT_HAD = (av.error.FFmpegError, av.codec.codec.UnknownCodecError)
#: Pixels of a side of a picture that x264 takes.
LEAST_SIDE, MOST_SIDE = 2, 16384
#: Steps a second of the packets' times.
CLOCK = 90_000
#: Pixels up to which one thread encodes 30 a second with ease.
_ONE_THREAD = 1280 * 720
_PIC_I, _PIC_NONE = 1, 0
#: What H.264 says of its colours, and swscale takes (ITU-T H.273): range, matrix, primaries,
#: transfer. JPEGs have full range with the matrix of BT.601 (JFIF 1.02) and the colours of sRGB.
_LIMITED_RANGE, _FULL_RANGE = 1, 2
_BT709, _BT470BG, _SRGB = 1, 5, 13
#: A picture with more lines or columns than these has the matrix of BT.709: where a player looks
#: at the size and not at what the film says of itself, it takes that one, too.
_SD_WIDTH, _SD_HEIGHT = 1279, 576
#: Encoders that take pictures from a device's memory, the device, and the format that it has.
_DEVICES = {"h264_vaapi": ("vaapi", "nv12")}


@dataclass(frozen=True)
class H264Settings:
    """What makes two encodes the same.

    Arguments:
        encoder: one of ENCODERS.
        crf: x264's quality, 0 (best) to 51; where the encoder has no such thing, unused.
        preset: x264's.
        bitrate: bits a second at most, or None for as many as the quality takes.
    """

    encoder: str = "libx264"
    crf: int = 23
    preset: str = "ultrafast"
    bitrate: int | None = None

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            known = ", ".join(ENCODERS)
            raise BadArgument(f"encoder={self.encoder!r} is none that there is: {known}")


class YuvDecoder:
    """Decodes JPEGs to what an encoder takes: no detour through RGB.

    Arguments:
        width, height: the JPEGs' size; an odd pixel is cut off, because 4:2:0 has pairs. A JPEG of
            another size is made smaller or larger, with black edges where it has another shape.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = width & ~1, height & ~1
        is_sd = width <= _SD_WIDTH and height <= _SD_HEIGHT
        self._matrix = _BT470BG if is_sd else _BT709
        self._decoder: Any = av.CodecContext.create("mjpeg", "r")

    def decode(self, jpeg: bytes) -> Any:
        """A frame in limited-range 4:2:0, or None if no decoder can read the picture.

        Many players show full range with the wrong contrast, although the film says what it is.
        """
        try:
            frames = self._decoder.decode(av.Packet(jpeg))
            if frames:
                return self._fitted(frames[0])
        except (av.error.FFmpegError, ValueError):
            self._decoder.flush_buffers()
        try:
            image = decode_jpeg(jpeg)  # it reads sampling factors that FFmpeg does not
            return self._fitted(av.VideoFrame.from_ndarray(image, format="bgr24"))
        except (av.error.FFmpegError, ValueError):
            return None

    def _fitted(self, frame: Any) -> Any:
        width, height = self.size
        if (frame.width & ~1, frame.height & ~1) != self.size:
            return self._with_edges(frame)
        return self._converted(frame, width, height)

    def _converted(self, frame: Any, width: int, height: int) -> Any:
        return frame.reformat(
            width,
            height,
            "yuv420p",
            src_colorspace=_BT470BG,
            dst_colorspace=self._matrix,
            src_color_range=_FULL_RANGE,
            dst_color_range=_LIMITED_RANGE,
            interpolation="FAST_BILINEAR",
        )

    def _with_edges(self, frame: Any) -> Any:
        """A picture of another size, in the middle of a black one."""
        width, height = self.size
        scale = min(width / frame.width, height / frame.height)
        inner = [
            max(2, min(most, round(side * scale / 2) * 2))
            for side, most in ((frame.width, width), (frame.height, height))
        ]
        small = self._converted(frame, *inner).to_ndarray()
        left, top = (width - inner[0]) // 4 * 2, (height - inner[1]) // 4 * 2
        planes, at = [], 0
        for step, black in ((1, 16), (2, 128), (2, 128)):
            rows, columns = inner[1] // step, inner[0] // step
            plane = np.full((height // step, width // step), black, np.uint8)
            part = small.reshape(-1)[at : at + rows * columns].reshape(rows, columns)
            plane[top // step : top // step + rows, left // step : left // step + columns] = part
            planes.append(plane.reshape(-1))
            at += rows * columns
        whole = np.concatenate(planes).reshape(height * 3 // 2, width)
        return av.VideoFrame.from_ndarray(whole, format="yuv420p")

    def describe(self, coder: Any) -> None:
        """Tell an encoder what it gets."""
        coder.width, coder.height = self.size
        coder.pix_fmt = "yuv420p"
        coder.color_range, coder.colorspace = _LIMITED_RANGE, self._matrix
        coder.color_primaries, coder.color_trc = _BT709, _SRGB
        small = self.size[0] * self.size[1] <= _ONE_THREAD
        coder.thread_count = 1 if small else min(4, os.cpu_count() or 1)


def check_size(width: int, height: int) -> None:
    """See that pictures can be encoded as H.264.

    Raises:
        NotSupported: they have too few pixels in a row or column, or too many.
    """
    if min(width, height) < LEAST_SIDE:
        raise not_encodable(width, height, f"it takes {LEAST_SIDE} pixels a side")
    if max(width, height) > MOST_SIDE:
        raise not_encodable(width, height, f"it has at most {MOST_SIDE:,} pixels a side")


def mark_keyframe(frame: Any, wanted: bool) -> None:
    """Ask for a picture that a player can begin with, or leave it to the encoder."""
    frame.pict_type = _PIC_I if wanted else _PIC_NONE


class H264Encoder:
    """One encoder for pictures of one size; its packets are in Annex B, headers in each keyframe.

    Arguments:
        settings: what is wanted.
        width, height: pixels.
        generation: the number of this stream, for its packets.

    Raises:
        NotSupported: no encoder of those that may be taken can be opened.
    """

    def __init__(
        self, settings: H264Settings, width: int, height: int, generation: int = 0
    ) -> None:
        self._generation = generation
        self.size = width, height
        self._pictures = YuvDecoder(width, height)
        #: Why it is not the encoder that was asked for, or None.
        self.note: str | None = None
        self.name, self._coder = self._open(settings)

    def encode(self, jpeg: bytes, pts: int, keyframe: bool) -> list[Packet] | None:
        """The packets that are ready; None for a broken JPEG.

        Arguments:
            pts: the picture's time in steps of CLOCK.
            keyframe: whether players have to be able to begin here.
        """
        frame = self._pictures.decode(jpeg)
        if frame is None:
            return None
        if self.name in _DEVICES:
            frame = on_device(frame, _DEVICES[self.name][1])
        frame.pts, frame.time_base = pts, Fraction(1, CLOCK)
        mark_keyframe(frame, keyframe)
        return [
            Packet(bytes(each), each.pts, each.is_keyframe, self._generation)
            for each in self._coder.encode(frame)
        ]

    def _open(self, settings: H264Settings) -> tuple[str, Any]:
        wanted = settings.encoder
        names = HARDWARE if wanted == "auto" else (wanted,)
        failed = []
        for name in dict.fromkeys((*names, "libx264")):
            said: list[str] = []
            try:
                with _overheard(said):
                    coder = self._try(name, settings)
            except (*_NOT_HAD, ValueError, NotImplementedError) as error:
                failed.append(f"{name}: {said[0] if said else _reason(error)}")
                continue
            if failed:
                self.note = f"{name} is used, because of {'; '.join(failed)}"
            return name, coder
        raise NotSupported(f"no H.264 encoder can be opened: {'; '.join(failed)}")

    def _try(self, name: str, settings: H264Settings) -> Any:
        device, pix_fmt = _DEVICES.get(name, (None, None))
        accel = HWAccel(device) if device else None
        coder: Any = av.CodecContext.create(name, "w", accel)
        self._pictures.describe(coder)
        if pix_fmt is not None:
            coder.pix_fmt = pix_fmt
        coder.time_base, coder.framerate = Fraction(1, CLOCK), Fraction(30)
        options = {"bf": "0"}
        if name == "libx264":
            # zerolatency: each picture's packet comes at once.
            options |= {"preset": settings.preset, "crf": str(settings.crf), "tune": "zerolatency"}
        if settings.bitrate is not None:
            options |= {"maxrate": str(settings.bitrate), "bufsize": str(settings.bitrate)}
            if name != "libx264":
                coder.bit_rate = settings.bitrate
        coder.options = options
        coder.open()
        return coder


def on_device(frame: Any, pix_fmt: str) -> Any:
    """The same picture, its values as they are, in the format that a device takes."""
    return frame.reformat(
        format=pix_fmt, src_color_range=_LIMITED_RANGE, dst_color_range=_LIMITED_RANGE
    )


@contextmanager
def _overheard(said: list[str]) -> Iterator[None]:
    """What FFmpeg logs meanwhile: that tells more than the number that it gives."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False) as logs:
            yield
    finally:
        av.logging.set_level(before)
        said += [" ".join(text.split()).rstrip(".") for _, _, text in logs if text.strip()]


def _reason(error: Exception) -> str:
    if isinstance(error, av.codec.codec.UnknownCodecError):
        return "this FFmpeg does not have it"
    return getattr(error, "strerror", None) or str(error)


def not_encodable(width: int, height: int, why: str) -> NotSupported:
    """The error for pictures of a size that cannot be encoded as H.264."""
    return NotSupported(
        f"pictures of {width}x{height} cannot be encoded as H.264 ({why}): set another size, or"
        " record the camera's own JPEGs (format=copy, a name that ends in .mkv)"
    )
