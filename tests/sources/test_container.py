"""Films and streams are opened whatever their title says, shown upright, and broken ones go on."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.support.http_camera import opened, read
from tests.support.system import require_program
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import CameraFailed
from twistedcam.sources.base import RawPicture, Source
from twistedcam.sources.container import turn

RATE = 50
#: Four corners that tell how a picture is turned, as shades of grey: top left, right, bottom.
CORNERS = np.array([[20, 90], [160, 230]], np.uint8)
SIDE = 65536


def write_film(
    path: Path, codec: str = "libx264", frames: int = 60, title: str = "a title", gop: int = 20
) -> Path:
    """A film of 96x64 with four corners of one shade each; the first gets brighter."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = 96, 64
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = 0
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(image(), format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def image() -> np.ndarray:
    grey = np.repeat(np.repeat(CORNERS, 32, axis=0), 48, axis=1)
    return np.repeat(grey[:, :, None], 3, axis=2)


def corners(picture: np.ndarray) -> list[list[int]]:
    """The shades of the four corners, as those of ``CORNERS`` that they are nearest to."""
    height, width = picture.shape[:2]
    shades = [
        [picture[y, x].mean() for x in (width // 4, 3 * width // 4)]
        for y in (height // 4, 3 * height // 4)
    ]
    return [
        [int(min(CORNERS.flat, key=lambda each: abs(each - shade))) for shade in row]
        for row in shades
    ]


def shown(source: Source) -> np.ndarray:
    grab = read(source)
    if grab.jpeg is not None:
        return np.asarray(cv2.imdecode(np.frombuffer(grab.jpeg, np.uint8), cv2.IMREAD_COLOR))
    assert grab.image is not None, grab.fault
    return grab.image


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.flv"])
@pytest.mark.parametrize("scheme", ["file:", "ffmpeg:"])
def test_a_title_that_is_not_utf_8_is_no_fault(tmp_path: Path, name: str, scheme: str) -> None:
    path = write_film(tmp_path / name, title="XXXXcafe")
    path.write_bytes(path.read_bytes().replace(b"XXXXcafe", b"caf\xe9\xff\xfe\x80 "))
    with opened(f"{scheme}{path}") as source:
        assert corners(shown(source)) == CORNERS.tolist()


def _read_on(source: Source, into: list[RawPicture]) -> None:
    while True:
        into.append(read(source))


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    return struct.pack("=9i", a * SIDE, b * SIDE, 0, c * SIDE, d * SIDE, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((1, 0, 0, 1), [[20, 90], [160, 230]]),
        ((0, 1, -1, 0), [[160, 20], [230, 90]]),  # a quarter clockwise: (x, y) to (-y, x)
        ((-1, 0, 0, -1), [[230, 160], [90, 20]]),
        ((0, -1, 1, 0), [[90, 230], [20, 160]]),
        ((-1, 0, 0, 1), [[90, 20], [230, 160]]),  # mirrored, as front cameras are
        ((1, 0, 0, -1), [[160, 230], [20, 90]]),
        ((0, 1, 1, 0), [[20, 160], [90, 230]]),
        ((0, -1, -1, 0), [[230, 90], [160, 20]]),
        ((0, 0, 0, 0), [[20, 90], [160, 230]]),
    ],
)
def test_a_picture_is_turned_as_its_matrix_says(
    numbers: tuple[int, int, int, int], expected: list[list[int]]
) -> None:
    turned = turn(image(), matrix(*numbers))
    assert corners(turned) == expected
    assert turned.flags.c_contiguous
    assert turn(image(), b"short") is not None


def with_matrix(path: Path, numbers: tuple[int, int, int, int]) -> None:
    """Write a matrix into the film track's header of an MP4 (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 16
    a, b, c, d = (number * SIDE for number in numbers)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("scheme", "codec"), [("file:", "libx264"), ("file:", "mjpeg"), ("ffmpeg:", "libx264")]
)
@pytest.mark.parametrize("numbers", [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), (-1, 0, 0, 1)])
def test_a_film_that_lies_on_its_side_is_shown_upright(
    tmp_path: Path, codec: str, scheme: str, numbers: tuple[int, int, int, int]
) -> None:
    path = write_film(tmp_path / "a.mp4", codec, frames=5)
    with_matrix(path, numbers)
    frame = subprocess.run(
        [
            *(require_program("ffmpeg"), "-v", "error", "-i", str(path)),
            *("-frames:v", "1", "-f", "image2pipe", "-c:v", "bmp", "-"),
        ],
        capture_output=True,
        check=True,
    ).stdout
    expected = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
    with opened(f"{scheme}{path}") as source:
        found = shown(source)
    assert found.shape == expected.shape
    assert (
        corners(found) == corners(np.asarray(expected)) == corners(turn(image(), matrix(*numbers)))
    )


def test_the_size_of_a_film_that_lies_on_its_side_is_known_when_it_is_open(tmp_path: Path) -> None:
    from twistedcam.sources.file import FileSource

    path = write_film(tmp_path / "a.mp4", frames=3)
    with_matrix(path, (0, 1, -1, 0))
    source = FileSource(path)
    granted = source.open()
    assert (granted.width, granted.height) == (64, 96)
    source.close()


def broken(path: Path, first: int, last: int) -> int:
    """Make the packets of a film from one to another into nothing that decodes; of how many."""
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for at, size in packets[first : last + 1]:
        data[at + 4 : at + size] = bytes(size - 4)
    path.write_bytes(data)
    return len(packets)


@pytest.mark.parametrize("scheme", ["file:", "ffmpeg:"])
def test_a_packet_that_does_not_decode_costs_the_pictures_up_to_the_next_key_frame(
    tmp_path: Path, scheme: str
) -> None:
    path = write_film(tmp_path / "a.mp4")
    assert broken(path, 25, 25) == 60
    query = "?loop=0&fps=1000" if scheme == "file:" else ""
    with opened(f"{scheme}{path}{query}") as source:
        grabs = [read(source) for _ in range(60)]
    faults = [number for number, grab in enumerate(grabs) if grab.fault]
    assert faults == list(range(25, 40))
    assert all(grab.image is not None for grab in grabs if not grab.fault)
    with pytest.raises(ValueError, match="cannot be decoded"):
        JpegEncoder().finish(grabs[25])
    with pytest.raises(ValueError, match="next key frame"):
        JpegEncoder().finish(grabs[26])


def test_a_stream_that_is_joined_between_two_key_frames_is_shown_from_the_next_one_on(
    tmp_path: Path,
) -> None:
    whole = write_film(tmp_path / "a.ts", gop=30).read_bytes()
    start = len(whole) // 4 // 188 * 188
    (tmp_path / "b.ts").write_bytes(whole[start:])
    with opened(f"ffmpeg:{tmp_path / 'b.ts'}") as source:
        grabs: list[RawPicture] = []
        with pytest.raises(CameraFailed, match=r"b\.ts has ended the stream"):
            _read_on(source, grabs)
    good = [grab for grab in grabs if grab.image is not None]
    assert len(good) >= 20
    assert corners(good[0].image) == CORNERS.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["file:", "ffmpeg:"])
@pytest.mark.parametrize("name", ["c.mp4", "c.mkv", "list.m3u8", "cam.sdp"])
@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile {name}\n",
        "ffconcat version 1.0\nfile /etc/hostname\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 21998 RTP/AVP 26\n",
    ],
)
def test_a_playlist_that_pretends_to_be_a_film_opens_nothing(
    tmp_path: Path, scheme: str, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text.replace("{name}", name))
    with pytest.raises(CameraFailed, match=name) as error, opened(f"{scheme}{path}"):
        pass
    assert "playlist, or of another format" in str(error.value) or "Invalid data" in str(
        error.value
    )


@pytest.mark.parametrize("name", ["pipe:0.mp4", "concat:a.mp4", "http:a.mp4"])
def test_a_film_s_name_is_never_taken_for_an_address(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_film(tmp_path / "a.mp4", frames=3).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with opened(f"file:{name}") as source:
        assert corners(shown(source)) == CORNERS.tolist()
