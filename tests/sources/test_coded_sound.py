"""The sound of files and streams comes as it is, in step with the pictures."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.support.sound import click_times, clicks
from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.media.packet import Packet
from twistedcam.sources.base import RawPacket, RawPicture
from twistedcam.sources.coded_sound import CodedSound
from twistedcam.sources.file import FileSource
from twistedcam.sources.http_video import HttpVideo


def film(form: str, video_codec: str, codec: str, seconds: int = 3, rate: int = 48_000) -> bytes:
    """A film that is white for the first picture of each second, with a click at its begin."""
    written = io.BytesIO()
    with av.open(written, "w", format=form) as container:
        video: Any = container.add_stream(video_codec, rate=25)
        video.width, video.height = 64, 48
        video.pix_fmt = "yuvj420p" if video_codec == "mjpeg" else "yuv420p"
        if video_codec == "libx264":
            video.options = {"g": "25", "bf": "2", "b-adapt": "0", "preset": "ultrafast"}
            video.codec_context.max_b_frames = 2
        audio: Any = container.add_stream(codec, rate=rate)
        audio.layout = "mono"
        audio.bit_rate = 4 * rate
        samples = clicks(rate, 1, seconds)
        for number in range(25 * seconds):
            image = np.full((48, 64, 3), 250 if number % 25 == 0 else 10, np.uint8)
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(video.encode(picture))
            piece = samples[number * rate // 25 : (number + 1) * rate // 25].reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(piece.copy(), format="s16", layout="mono")
            sound.sample_rate, sound.pts = rate, number * rate // 25
            sound.time_base = Fraction(1, rate)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return written.getvalue()


def played(source: Any, monkeypatch: pytest.MonkeyPatch, count: int) -> list[Any]:
    """Read a source without waiting."""
    clock = [1_700_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def wait(until: float) -> bool:
        clock[0] = max(clock[0], until)
        return True

    source.clock = clock
    source.open()
    if hasattr(source, "_pace"):
        source._pace.wait_until = wait
    try:
        return [source.read() for _ in range(count)]
    finally:
        source.close()


def offsets(found: list[Any]) -> list[float]:
    """Return the seconds from each white picture to the click that belongs to it."""
    sound = [each for each in found if isinstance(each, RawPacket) and each.track.kind == "audio"]
    decoder: Any = None
    flashes = []
    for each in found:
        if isinstance(each, RawPicture):
            image: Any = av.CodecContext.create("mjpeg", "r")
            (picture,) = image.decode(av.Packet(each.jpeg))
            flashes += [each.time] if picture.to_ndarray(format="gray").mean() > 150 else []
        elif each.track.kind == "video":
            decoder = decoder or av.CodecContext.create("h264", "r")
            coded = av.Packet(each.data)
            coded.pts = round(each.time * 1e6)
            for picture in decoder.decode(coded):
                if picture.to_ndarray(format="gray").mean() > 150:
                    flashes.append(picture.pts / 1e6)
    packets = [Packet(each.track, 0, 0, round(each.time * 1e6), each.data) for each in sound]
    heard = [at + 1_700_000_000.0 for at in click_times(packets)]
    return [min((at - flash for at in heard), key=abs) for flash in flashes[1:]]


@pytest.mark.parametrize(
    ("form", "video", "codec", "name", "rate"),
    [
        ("mp4", "libx264", "aac", "aac", 48_000),
        ("mpegts", "libx264", "aac", "aac", 44_100),
        ("matroska", "libx264", "libopus", "opus", 48_000),
        ("avi", "mjpeg", "pcm_s16le", "pcm_s16le", 16_000),
        ("mov", "libx264", "pcm_alaw", "pcm_alaw", 8_000),
    ],
)
def test_sound_of_a_file_is_in_step_with_its_pictures(
    *, form: str, video: str, codec: str, name: str, rate: int, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "film"
    path.write_bytes(film(form, video, codec, rate=rate))
    found = played(FileSource(path, loop=False), monkeypatch, 130)
    sound = [each for each in found if isinstance(each, RawPacket) and each.track.kind == "audio"]
    track = sound[0].track
    assert (track.codec, track.rate, track.channels) == (name, rate, 1)
    found_offsets = offsets(found)
    assert found_offsets and max(map(abs, found_offsets)) < 0.012


def test_sound_goes_on_when_a_film_begins_again(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(film("mp4", "libx264", "aac", seconds=1))
    found = played(FileSource(path), monkeypatch, 250)
    times = [each.time for each in found if each.track.kind == "audio"]
    assert times[-1] - times[0] > 2.5
    assert all(after - before > -0.03 for before, after in pairwise(times))


def test_a_film_at_another_rate_has_no_sound(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(film("mp4", "libx264", "aac", seconds=1))
    found = played(FileSource(path, fps=10), monkeypatch, 25)
    assert {each.track.kind for each in found} == {"video"}


class Arriving:
    """A container whose packets arrive when they are due."""

    def __init__(self, container: Any, clock: list[float]) -> None:
        self._container = container
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def demux(self, *streams: Any) -> Iterator[Any]:
        for packet in self._container.demux(*streams):
            if packet.dts is not None:
                due = 1_700_000_000.0 + float(packet.dts * packet.time_base)
                self._clock[0] = max(self._clock[0], due)
            yield packet


class Stream(HttpVideo):
    """A stream that arrives as it was made."""

    clock: list[float]

    def __init__(self, data: bytes) -> None:
        self._data = data
        super(HttpVideo, self).__init__("http://x/", "x", 5.0)

    def _open_container(self) -> Any:
        return Arriving(av.open(io.BytesIO(self._data)), self.clock)

    def close(self) -> None:
        super(HttpVideo, self).close()


@pytest.mark.parametrize("form", ["mpegts", "flv"])
def test_sound_of_a_stream_has_the_clock_of_its_pictures(form: str, monkeypatch: Any) -> None:
    found = played(Stream(film(form, "libx264", "aac", rate=44_100)), monkeypatch, 120)
    found_offsets = offsets([each for each in found if each is not None])
    assert found_offsets and max(map(abs, found_offsets)) < 0.012


@pytest.mark.parametrize(
    ("form", "codec", "rate"),
    [
        ("avi", "adpcm_ima_wav", 8_000),
        ("avi", "adpcm_ms", 8_000),
        ("asf", "g726", 8_000),
        ("nut", "g722", 16_000),
        ("asf", "wmav2", 44_100),
    ],
)
def test_codecs_of_cameras_that_need_a_description_can_be_decoded(
    form: str, codec: str, rate: int
) -> None:
    data = film(form, "mjpeg", codec, rate=rate)
    heard: list[float] = []
    with av.open(io.BytesIO(data)) as container:
        sound = CodedSound.of(container)
        assert sound is not None and sound.track is not None
        decoder = AudioDecoder(sound.track)
        assert CodedSound.of(container).track == sound.track  # type: ignore[union-attr]
        for each in filter(None, map(sound.convert, container.demux(sound.stream))):
            at = round(each.pts * 1e6)
            for frame in decoder.decode(Packet(each.raw.track, 0, at, at, each.raw.data)):
                values = np.atleast_2d(frame.to_ndarray())[0].astype(float)
                scale = 1 if frame.format.name.startswith("flt") else 32_768
                for index in np.flatnonzero(np.abs(values) > 0.15 * scale):
                    time = frame.pts / 1e6 + index / rate
                    if not heard or time - heard[-1] > 0.3:
                        heard.append(time)
    # The encoder of WMA makes sound late, and does not say so.
    late = 2048 / rate if codec == "wmav2" else 0.0
    assert [round(each - late) for each in heard] in ([0, 1, 2], [1, 2])
    assert [each - round(each) for each in heard] == pytest.approx([late] * len(heard), abs=0.005)


def test_adts_becomes_a_configuration() -> None:
    data = film("mpegts", "libx264", "aac", seconds=1, rate=44_100)
    with av.open(io.BytesIO(data)) as container:
        sound = CodedSound.of(container)
        assert sound is not None
        made = [sound.convert(each) for each in container.demux(sound.stream)]
    tracks = {each.raw.track for each in made if each is not None}
    (track,) = tracks
    assert track.extradata == bytes([2 << 3 | 4 >> 1, (4 & 1) << 7 | 1 << 3])
    assert all(each.raw.data[:1] != b"\xff" for each in made if each is not None)


def test_a_film_without_sound_has_none() -> None:
    written = io.BytesIO()
    with av.open(written, "w", format="matroska") as container:
        video: Any = container.add_stream("mjpeg", rate=5)
        video.width, video.height, video.pix_fmt = 16, 16, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="bgr24")
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
    with av.open(io.BytesIO(written.getvalue())) as container:
        assert CodedSound.of(container) is None
