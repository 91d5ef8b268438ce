"""Encodes a camera's JPEGs as H.264, in hardware where that works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple

from twistedcam.errors import BadArgument, NotSupported
from twistedcam.media.h264 import H264
from twistedcam.media.jpeg_decoder import decode_jpeg
from twistedcam.util.libraries import av, np

#: Encoders that can be selected; ``auto`` is the first of HARDWARE that works, else libx264.
HARDWARE = ("h264_nvenc", "h264_videotoolbox", "h264_v4l2m2m", "h264_vaapi")
ENCODERS = ("libx264", "auto", *HARDWARE)
#: Pixels of a picture's side that x264 accepts.
MIN_SIDE, MAX_SIDE = 2, 16384
#: The usual limit, in bits for each pixel of a picture: 4.1 Mbit/s for 720p30.
BITS_PER_PIXEL = 0.15
#: The least bits a second of the limit by size and rate.
MIN_BITRATE = 150_000
#: Pictures a second of a camera whose rate is unknown.
USUAL_RATE = 30
#: Steps a second of the packets' time stamps.
CLOCK = 90_000
#: Pixels up to which one thread encodes 30 frames a second easily.
_ONE_THREAD = 1280 * 720
_PIC_I, _PIC_NONE = 1, 0
#: Colour range, matrix, primaries and transfer (ITU-T H.273), for H.264 and swscale. JPEGs have
#: full range, the matrix of BT.601 (JFIF 1.02) and the colours of sRGB.
_LIMITED_RANGE, _FULL_RANGE = 1, 2
_BT709, _BT470BG, _SRGB = 1, 5, 13
#: Pictures with more rows or columns get the matrix of BT.709. Players that ignore the stream's
#: colour description select the matrix by size in the same way.
_SD_WIDTH, _SD_HEIGHT = 1279, 576
#: Encoders that read from a device's memory: the device and its pixel format.
_DEVICES = {"h264_vaapi": ("vaapi", "nv12")}


class EncodedFrame(NamedTuple):
    """An encoded picture.

    Arguments:
        data: Annex B; a key frame begins with its SPS and PPS.
        pts: the picture's time in steps of CLOCK.
        is_keyframe: True if a player can begin here.
    """

    data: bytes
    pts: int
    is_keyframe: bool


@dataclass(frozen=True)
class H264Settings:
    """Settings of an encoder; equal ones can share it.

    Arguments:
        encoder: one of ENCODERS.
        crf: x264's quality, 0 (best) to 51; unused by other encoders.
        preset: x264's preset.
        bitrate: bits a second at most; None for no limit but that of ``bits_per_pixel``.
        bits_per_pixel: bits for each pixel of a picture at most, on an average of some pictures; it
            counts if there is no ``bitrate``. None for no limit.
        size: width and height into which larger pictures are scaled; their shape stays. None for
            the camera's size.
        keyframes: seconds from one key frame to the next at most. Encoders that differ only in
            this can be shared; the shortest counts.
    """

    encoder: str = "libx264"
    crf: int = 23
    preset: str = "ultrafast"
    bitrate: int | None = None
    bits_per_pixel: float | None = None
    size: tuple[int, int] | None = None
    keyframes: float = field(default=2.0, compare=False)

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            known = ", ".join(ENCODERS)
            raise BadArgument(f"encoder={self.encoder!r} is unknown; use one of: {known}")

    @property
    def shown_codec(self) -> str:
        """The codec, with the size if that is not the camera's: ``h264 640x360``."""
        return "h264" if self.size is None else "h264 {}x{}".format(*self.size)

    def most_bits(self, width: int, height: int, rate: float) -> int | None:
        """The most bits a second of pictures of a size at a rate; None for no limit."""
        if self.bitrate is None and self.bits_per_pixel is not None:
            width, height = fit_size((width, height), self.size)
            return max(MIN_BITRATE, round(width * height * rate * self.bits_per_pixel))
        return self.bitrate


class YuvDecoder:
    """Decodes JPEGs to limited-range YUV 4:2:0, without a conversion to RGB.

    Arguments:
        width, height: the JPEGs' size; 4:2:0 needs even sides, so an odd pixel is cut off. A JPEG
            of another size is scaled, with black edges if it has another shape.
        size: width and height into which pictures are scaled; None for no change.
    """

    def __init__(self, width: int, height: int, size: tuple[int, int] | None = None) -> None:
        self._source = width & ~1, height & ~1
        self.size = width, height = fit_size((width, height), size)
        is_sd = width <= _SD_WIDTH and height <= _SD_HEIGHT
        self._matrix = _BT470BG if is_sd else _BT709
        self._decoder: Any = av.CodecContext.create("mjpeg", "r")

    def decode(self, jpeg: bytes) -> Any:
        """The picture as av.VideoFrame, or None if no decoder can read it.

        It has limited range, because many players show full range with the wrong contrast.
        """
        try:
            frames = self._decoder.decode(av.Packet(jpeg))
            if frames:
                return self._fitted(frames[0])
        except (av.error.FFmpegError, ValueError):
            self._decoder.flush_buffers()
        try:
            image = decode_jpeg(jpeg)  # it supports sampling factors that FFmpeg does not
            return self._fitted(av.VideoFrame.from_ndarray(image, format="bgr24"))
        except (av.error.FFmpegError, ValueError):
            return None

    def _fitted(self, frame: Any) -> Any:
        if (frame.width & ~1, frame.height & ~1) != self._source:
            return self._with_edges(frame)
        return self._converted(frame, *self.size)

    def _converted(self, frame: Any, width: int, height: int) -> Any:
        return frame.reformat(
            width,
            height,
            "yuv420p",
            src_colorspace=_BT470BG,
            dst_colorspace=self._matrix,
            src_color_range=_FULL_RANGE,
            dst_color_range=_LIMITED_RANGE,
            # Other methods make moving edges flicker in a picture that is much smaller.
            interpolation="AREA" if width < frame.width & ~1 else "FAST_BILINEAR",
        )

    def _with_edges(self, frame: Any) -> Any:
        """A picture of another shape, centred on a black one."""
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
        """Set an encoder's size, pixel format, colours and threads."""
        coder.width, coder.height = self.size
        coder.pix_fmt = "yuv420p"
        coder.color_range, coder.colorspace = _LIMITED_RANGE, self._matrix
        coder.color_primaries, coder.color_trc = _BT709, _SRGB
        small = self.size[0] * self.size[1] <= _ONE_THREAD
        coder.thread_count = 1 if small else min(4, os.cpu_count() or 1)


def fit_size(picture: tuple[int, int], box: tuple[int, int] | None) -> tuple[int, int]:
    """Return the even size of a picture that is scaled down into a box; it is never enlarged."""
    width, height = picture
    if box is not None and (width > box[0] or height > box[1]):
        scale = min(box[0] / width, box[1] / height)
        width, height = max(2, round(width * scale)), max(2, round(height * scale))
    return width & ~1, height & ~1


def check_size(width: int, height: int) -> None:
    """Check that pictures of this size can be encoded as H.264.

    Raises:
        NotSupported: a side has too few or too many pixels.
    """
    if min(width, height) < MIN_SIDE:
        raise not_encodable(width, height, f"the smallest side is {MIN_SIDE} pixels")
    if max(width, height) > MAX_SIDE:
        raise not_encodable(width, height, f"the largest side is {MAX_SIDE:,} pixels")


def mark_keyframe(frame: Any, wanted: bool) -> None:
    """Request a key frame, or leave the type to the encoder."""
    frame.pict_type = _PIC_I if wanted else _PIC_NONE


class H264Encoder:
    """Encodes pictures of one size as Annex B, with headers in each key frame.

    Arguments:
        width, height: pixels of the pictures; those of the video can be fewer (``settings.size``).
        rate: pictures a second, for the limit of the rate; None if it is unknown.

    Raises:
        NotSupported: no encoder can be opened.
    """

    def __init__(
        self, settings: H264Settings, width: int, height: int, rate: float | None = None
    ) -> None:
        self.size = width, height
        #: Pictures a second; None if they are unknown.
        self.rate = rate_fraction(rate)
        self._pictures = YuvDecoder(width, height, settings.size)
        #: Width and height of the video.
        self.output_size = self._pictures.size
        #: Why it is not the encoder in ``settings``, or None.
        self.note: str | None = None
        self._settings = settings
        #: Pictures that were encoded.
        self._count = 0
        self.name, self._coder = self._open(settings)

    def encode(self, jpeg: bytes, pts: int, keyframe: bool) -> list[EncodedFrame] | None:
        """Encode a picture, and return the packets that are ready; None for a broken JPEG.

        Arguments:
            pts: the picture's time in steps of CLOCK.
            keyframe: True to request a key frame.
        """
        picture = self._pictures.decode(jpeg)
        if picture is None:
            return None
        try:
            packets = self._encode(picture, pts, keyframe)
        except (av.error.FFmpegError, ValueError) as error:
            if self.name not in HARDWARE:
                raise
            # A driver may pass the test and fail later: nobody should be without video then.
            failed = f"{self.name}: it failed after {self._count} pictures: {_reason(error)}"
            self.name, self._coder = "libx264", self._open_coder("libx264", self._settings)
            self.note = f"libx264 is used, because of {failed}"
            packets = self._encode(picture, pts, True)
        self._count += 1
        return [EncodedFrame(bytes(each), each.pts, each.is_keyframe) for each in packets]

    def _encode(self, picture: Any, pts: int, keyframe: bool) -> Any:
        frame = on_device(picture, _DEVICES[self.name][1]) if self.name in _DEVICES else picture
        frame.pts, frame.time_base = pts, Fraction(1, CLOCK)
        mark_keyframe(frame, keyframe)
        return self._coder.encode(frame)

    def _open(self, settings: H264Settings) -> tuple[str, Any]:
        wanted = settings.encoder
        names = HARDWARE if wanted == "auto" else (wanted,)
        failed = []
        for name in dict.fromkeys((*names, "libx264")):
            lines: list[str] = []
            try:
                with _captured_logs(lines):
                    if name in HARDWARE:
                        self._check(name, settings)
                    coder = self._open_coder(name, settings)
            except (
                av.error.FFmpegError,
                av.codec.codec.UnknownCodecError,
                ValueError,
                NotImplementedError,
            ) as error:
                failed.append(f"{name}: {lines[0] if lines else _reason(error)}")
                continue
            if failed:
                self.note = f"{name} is used, because of {'; '.join(failed)}"
            return name, coder
        raise NotSupported(f"no H.264 encoder can be opened: {'; '.join(failed)}")

    def _check(self, name: str, settings: H264Settings) -> None:
        """Encode two black pictures: a driver may open an encoder that does not work.

        Raises:
            ValueError, av.error.FFmpegError: it does not work.
        """
        width, height = self._pictures.size
        black = np.full((height * 3 // 2, width), 16, np.uint8)
        black[height:] = 128
        coder, packets = self._open_coder(name, settings), []
        for pts in (0, CLOCK // 30):
            frame = av.VideoFrame.from_ndarray(black, format="yuv420p")
            if name in _DEVICES:
                frame = on_device(frame, _DEVICES[name][1])
            frame.pts, frame.time_base = pts, Fraction(1, CLOCK)
            packets += coder.encode(frame)
        packets += coder.encode(None)
        if not any(packet.size for packet in packets):
            raise ValueError("it opens, and then gives no video")
        found = H264.sequence_parameters(b"".join(map(bytes, packets)))
        if (found.width, found.height) != (width, height):
            made = f"{found.width}x{found.height}"
            raise ValueError(f"it makes {made} of pictures of {width}x{height}")

    def _open_coder(self, name: str, settings: H264Settings) -> Any:
        device, pix_fmt = _DEVICES.get(name, (None, None))
        accel = av.codec.hwaccel.HWAccel(device) if device else None
        coder: Any = av.CodecContext.create(name, "w", accel)
        open_coder(coder, self._pictures, settings, self.rate, pix_fmt or "yuv420p")
        return coder


def open_coder(
    coder: Any,
    pictures: YuvDecoder,
    settings: H264Settings,
    rate: Fraction | None,
    pix_fmt: str = "yuv420p",
) -> None:
    """Set up FFmpeg's encoder for these pictures, and open it.

    Equal arguments give equal parameter sets.

    Arguments:
        coder: an av.VideoCodecContext.
        rate: pictures a second; None if they are unknown.

    Raises:
        av.error.FFmpegError: it cannot be opened.
    """
    name = coder.codec.name
    pictures.describe(coder)
    coder.pix_fmt = pix_fmt
    coder.time_base, coder.framerate = Fraction(1, CLOCK), rate or Fraction(USUAL_RATE)
    options = {"bf": "0"}
    if name == "libx264":
        # zerolatency: each picture's packet comes at once.
        options |= {"preset": settings.preset, "crf": str(settings.crf), "tune": "zerolatency"}
        # Without this filter, as ultrafast has it, an equal picture needs up to a fifth more bytes.
        options["deblock"] = "0:0"
    pace = float(rate or USUAL_RATE)
    most_bits = settings.most_bits(*pictures.size, pace)
    if most_bits is None and name != "libx264":
        # It has no quality to aim at, and FFmpeg's own rate for some is 200 kbit/s.
        most_bits = replace(settings, bits_per_pixel=BITS_PER_PIXEL).most_bits(*pictures.size, pace)
    if most_bits is not None:
        # A buffer of a second; half of one keeps key frames small where nobody set a rate.
        buffer = most_bits if settings.bitrate is not None else most_bits // 2
        options |= {"maxrate": str(most_bits), "bufsize": str(buffer)}
        if name != "libx264":
            coder.bit_rate = most_bits
    coder.options = options
    coder.open()


def rate_fraction(rate: float | None) -> Fraction | None:
    """Return a rate in pictures a second as FFmpeg takes it."""
    return None if rate is None else Fraction(rate).limit_denominator(1001)


def on_device(frame: Any, pix_fmt: str) -> Any:
    """The picture in a device's pixel format, with unchanged values."""
    return frame.reformat(
        format=pix_fmt, src_color_range=_LIMITED_RANGE, dst_color_range=_LIMITED_RANGE
    )


@contextmanager
def _captured_logs(lines: list[str]) -> Iterator[None]:
    """Collect FFmpeg's log lines, which say more than its error numbers."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False) as logs:
            yield
    finally:
        av.logging.set_level(before)
        lines += [" ".join(text.split()).rstrip(".") for _, _, text in logs if text.strip()]


def _reason(error: Exception) -> str:
    if isinstance(error, av.codec.codec.UnknownCodecError):
        return "this FFmpeg does not have it"
    return getattr(error, "strerror", None) or str(error)


def not_encodable(width: int, height: int, why: str) -> NotSupported:
    """The error for pictures of a size that cannot be encoded."""
    return NotSupported(
        f"pictures of {width}x{height} cannot be encoded as H.264 ({why}): set another size, or"
        " record the camera's own JPEGs (format=copy, a name that ends in .mkv)"
    )
