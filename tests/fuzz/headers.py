"""JPEGs with odd headers: shown, recorded, turned and encoded, or left out; nothing breaks.

The bytes say what is changed in a good picture: which segment, and how. So nearly all that is tried
has the structure of a JPEG.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.odd_jpegs import ARITHMETIC, lossless, make_jpeg, twelve_bit, with_orientation
from twistedcam import Frame
from twistedcam.codecs.h264_encoder import H264Encoder, H264Settings, check_size
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import CommandError
from twistedcam.media import jpeg
from twistedcam.media.frame import UndecodableFrame
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.plan import Plan
from twistedcam.recording.writer.session import RecordingSession
from twistedcam.sources.base import RawPicture

#: Pixels beyond which no decoder is asked: it would be what takes the time.
MAXIMUM = 512 * 512
_QUERIES = (
    {},
    {"rotate": "90"},
    {"flip": "h"},
    {"timestamp": True},
    {"rotate": "180", "flip": "v"},
)
_FORMATS = ("h264.mp4", "copy.mkv", "copy.avi", "copy.mov", "h264.mkv")


@cache
def pictures() -> tuple[bytes, ...]:
    """Good ones of all kinds."""
    return (
        make_jpeg(64, 48),
        make_jpeg(64, 48, restart=2),
        make_jpeg(48, 64, progressive=1),
        with_orientation(make_jpeg(64, 48), 6),
        with_orientation(make_jpeg(64, 48), 5, "II"),
        make_jpeg(1, 1),
        ARITHMETIC,
        twelve_bit(),
        lossless(),
    )


def segments(data: bytes) -> list[bytes]:
    """The start marker, each segment before the first scan, and the rest."""
    found, at = [data[:2]], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        found.append(data[at:end])
        at = end
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    return [*found, data[at : at + 2 + length], data[at + 2 + length :]]


def mutate(data: bytes) -> bytes:
    """The first byte chooses the picture, each four after it say what is done to it."""
    base = pictures()[data[0] % len(pictures())] if data else pictures()[0]
    parts = segments(base)
    for at in range(1, len(data) - 3, 4):
        what, which, where, value = data[at : at + 4]
        which %= len(parts)
        part = bytearray(parts[which])
        match what % 10:
            case 0 | 1 | 2 | 3 if part:  # most often a byte of a header
                part[where % min(len(part), 64)] = value
            case 4 if part:
                part[where % len(part)] ^= 1 << value % 8
            case 5:
                part = part[: where * len(part) // 256]
            case 6:
                part *= 2
            case 7:
                other = value % len(parts)
                part, parts[other] = bytearray(parts[other]), bytes(part)
            case 8:
                part[where % (len(part) + 1) : where % (len(part) + 1)] = bytes([value]) * (
                    value % 5
                )
            case 9 if len(parts) > 2:
                part.clear()
        parts[which] = bytes(part)
    return b"".join(parts)


def check(data: bytes) -> None:
    """All ways that a picture can go."""
    odd = mutate(data)
    try:
        size = jpeg.read_header(odd).size
    except ValueError as error:
        assert str(error).isprintable()
        size = jpeg.Size(64, 48)  # nothing lets it through; a recorder that is given it goes on
    if size.width * size.height > MAXIMUM:
        return
    for number, query in enumerate(_QUERIES):
        show(odd, JpegEncoder(**query), is_wanted=number != 3)
    record(odd, size, _FORMATS[len(data) % len(_FORMATS)])
    encode(odd, size)


def show(odd: bytes, encoder: JpegEncoder, is_wanted: bool) -> None:
    """Between two good pictures of a camera."""
    good = pictures()[0]
    for data in (good, odd, good):
        try:
            picture = encoder.finish(RawPicture(1.0, jpeg=data), is_wanted)
            made = picture.jpeg if isinstance(picture.jpeg, bytes) else picture.jpeg()
        except ValueError as error:
            assert data is not good
            assert str(error).isprintable()
            continue
        header = jpeg.read_header(made)
        assert header.size == (picture.width, picture.height), "the header belies the picture"
        assert header.orientation == 1
        assert made.startswith(jpeg.SOI) and made.endswith(jpeg.EOI)
        frame = Frame(1, 1_000_000, picture.width, picture.height, made)
        try:
            assert frame.image.shape == (picture.height, picture.width, 3)
        except UndecodableFrame:
            assert data is not good


def record(odd: bytes, size: jpeg.Size, format: str) -> None:
    """Between good pictures, whatever a camera would have made of it."""
    folder = Path(tempfile.mkdtemp())
    try:
        chosen = FORMATS[format]
        name = "a" + chosen.container.suffix
        session = RecordingSession(Plan(folder, "cam", name, True, chosen, RecordSettings()))
        closed, good = [], pictures()[0]
        for number, (width, height, data) in enumerate(
            [(64, 48, good), (*size, odd), (64, 48, good), (*size, odd), (64, 48, good)]
        ):
            time = 1_000_000 + number * 100_000
            closed += session.write([Frame(number, time, width, height, data)]).closed
        progress = session.finish(None)
        assert progress.frames + progress.dropped == 5
        assert progress.frames >= 3
        for segment in [*closed, *progress.closed]:
            segment.abandon() if not segment.is_created else segment.publish(0)
    finally:
        shutil.rmtree(folder)


def encode(odd: bytes, size: jpeg.Size) -> None:
    """As publish targets get it: in a stream of its own size, and in another's."""
    for width, height in {(64, 48), tuple(size)}:
        try:
            check_size(width, height)
        except CommandError:
            continue
        coder = H264Encoder(H264Settings(), width, height)
        good = pictures()[0]
        made = [coder.encode(each, pts, pts == 0) for pts, each in enumerate((good, odd, good))]
        assert made[0] and made[2], "a good picture has a packet"


def seeds() -> Iterator[bytes]:
    """Each picture as it is, and with one change in each segment."""
    for picture in range(len(pictures())):
        yield bytes([picture])
    for which in range(7):
        for what in (0, 4, 5, 6, 7, 8):
            yield bytes([which % 4, what, which, 11, 0x33])
