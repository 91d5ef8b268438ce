"""A film is played at its own pace, over and over or once, and what is no film is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.support.http_camera import read
from twistedcam.errors import BadArgument, CameraFailed, SourceEnded, StartupError
from twistedcam.sources.base import RawPacket
from twistedcam.sources.file import FileSource
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse

FRAMES = 5


def film(path: Path, codec: str, rate: int = 50, frames: int = FRAMES, **options: str) -> Path:
    """A film whose pictures get brighter; JPEGs in it are written as they are."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if codec == "mjpeg":
            stream.pix_fmt = "yuvj420p"
        stream.options = options
        for number in range(frames):
            grey = np.full((48, 64, 3), 40 * number % 240, np.uint8)
            picture = av.VideoFrame.from_ndarray(grey, format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def shades(source: FileSource, count: int) -> list[int]:
    """How bright the next pictures are."""
    found = []
    for _ in range(count):
        grab = read(source)
        image = grab.image
        if grab.jpeg is not None:
            image = cv2.imdecode(np.frombuffer(grab.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        found.append(round(float(image.mean()) / 40))
    return found


def packet(source: FileSource) -> RawPacket:
    """The next packet."""
    while not isinstance(found := source.read(), RawPacket):
        pass
    return found


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "mjpeg"), ("a.mp4", "libx264")])
def test_a_film_begins_again_at_its_end(tmp_path: Path, name: str, codec: str) -> None:
    source = make_source(parse(f"file:{film(tmp_path / name, codec)}"))
    assert isinstance(source, FileSource)
    granted = source.open()
    assert (granted.width, granted.height, granted.fps) == (64, 48, 50)
    assert shades(source, 2 * FRAMES + 1) == [*range(FRAMES), *range(FRAMES), 0]
    source.close()


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_times_of_pictures_in_another_order_go_on_evenly_at_the_end(
    tmp_path: Path, name: str
) -> None:
    # Matroska has no times of decoding; and more pictures are sent ahead of one that is shown
    # earlier than the parameter sets let expect.
    order = "bframes=16:b-adapt=0:b-pyramid=none:scenecut=0"
    path = film(tmp_path / name, "libx264", 200, 26, **{"x264-params": order})
    source = make_source(parse(f"file:{path}"))
    assert isinstance(source, FileSource)
    source.open()
    first, *rounds = ([packet(source) for _ in range(26)] for _ in range(3))
    assert max(each.reorder_us for each in first) > 0
    packets = [each for packets in rounds for each in packets]
    steps = [b - a for a, b in pairwise(sorted(each.time for each in packets))]
    steps += [b - a for a, b in pairwise(each.time - each.reorder_us / 1e6 for each in packets)]
    assert {round(step * 200, 1) for step in steps} == {1.0}
    source.close()


@pytest.mark.parametrize(("name", "codec"), [("a.h264", "libx264"), ("a.hevc", "libx265")])
def test_a_stream_without_container_begins_again_at_its_end(
    tmp_path: Path, name: str, codec: str
) -> None:
    source = FileSource(film(tmp_path / name, codec), fps=500)
    source.open()
    found = [source.read() for _ in range(2 * FRAMES + 1)]
    packets = [each for each in found if isinstance(each, RawPacket)]
    assert len(packets) == len(found)
    assert [n for n, each in enumerate(packets) if each.is_keyframe] == [0, FRAMES, 2 * FRAMES]
    assert packets[0].data == packets[FRAMES].data
    source.close()


@pytest.mark.parametrize("name", ["still.jpg", "still.png", "still.bmp"])
def test_a_single_picture_is_shown_again_and_again(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    for picture in (noise, np.full((48, 64, 3), 90, np.uint8)):  # FFmpeg reads them in two ways
        cv2.imwrite(str(tmp_path / name), picture)
        source = make_source(parse(f"file:{tmp_path / name}?fps=1000"))
        source.open()
        found = shades(source, 4)  # type: ignore[arg-type]
        assert len(found) == 4 and max(found) - min(found) <= 1
        source.close()


def test_a_film_that_is_not_to_begin_again_ends(tmp_path: Path) -> None:
    source = make_source(parse(f"file:{film(tmp_path / 'a.avi', 'mjpeg')}?loop=0&fps=200"))
    assert isinstance(source, FileSource)
    assert source.open().fps == 200
    assert shades(source, FRAMES) == [*range(FRAMES)]
    with pytest.raises(SourceEnded, match=r"a\.avi has ended"):
        source.read()
    source.close()


def test_who_waits_for_a_picture_s_time_can_be_woken(tmp_path: Path) -> None:
    source = FileSource(film(tmp_path / "a.mkv", "mjpeg"), fps=0.01)
    source.open()
    assert source.read() is not None
    source.interrupt()
    assert source.read() is None  # the second is due in a hundred seconds
    source.close()


def test_what_cannot_be_played_is_said(tmp_path: Path) -> None:
    text = tmp_path / "a.mp4"
    text.write_text("no film at all")
    with pytest.raises(CameraFailed, match="cannot be played"):
        FileSource(text).open()
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        samples.sample_rate = 8000
        container.mux(stream.encode(samples))
    with pytest.raises(CameraFailed, match="has no video"):
        FileSource(sound).open()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(film(tmp_path / "b.mkv", "mjpeg").read_bytes()[:600])
    source = FileSource(cut)
    with pytest.raises(CameraFailed, match=r"cut\.mkv"):
        _ = (source.open(), source.read())
    with pytest.raises(StartupError, match="there is no file"):
        make_source(parse("file:/not/there.mp4"))
    with pytest.raises(BadArgument, match="needs a path"):
        make_source(parse("file:"))
