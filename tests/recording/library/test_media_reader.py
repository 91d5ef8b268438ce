"""Films are read in a process that may die, take no more than its share, and never hang."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.recording.library.test_library import make_recording
from tests.support.fakes import InlineReader
from tests.support.films import START_US
from tests.support.process import wait_for
from twistedcam.media.frame import Frame
from twistedcam.recording.containers import CONTAINERS
from twistedcam.recording.library.media_reader import MediaReader, ReadingFailed
from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo
from twistedcam.recording.writer.single_file import FileRecording


@pytest.fixture(scope="module")
def reader() -> Iterator[MediaReader]:
    made = MediaReader()
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording of each kind."""
    made = tmp_path_factory.mktemp("films")
    for suffix in CONTAINERS:
        make_recording(made / f"a{suffix}", 20)
    return made


class Opened:
    """A file that is open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        self._fd = os.open(self._path, os.O_RDONLY)
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def processes(reader: MediaReader) -> list[int]:
    """The processes that wait for work."""
    return [each._process.pid for each in reader._idle]


@pytest.mark.parametrize("suffix", sorted(CONTAINERS))
def test_a_process_finds_out_what_this_one_would(
    reader: MediaReader, folder: Path, suffix: str
) -> None:
    with Opened(folder / f"a{suffix}") as fd:
        (head,) = reader.heads([fd])
        assert isinstance(head, Head)
        assert [head] == InlineReader().heads([fd])
        assert (head.width, head.height) == (160, 120)
        assert reader.has_packet(fd)
        picture = reader.picture(fd)
        assert picture == InlineReader().picture(fd)
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (120, 160, 3)


PLAYLISTS = {
    "c.mp4": b"ffconcat version 1.0\nfile c.mp4\n",
    "m.mkv": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.mkv\n#EXT-X-ENDLIST\n",
    "d.avi": b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>",
    "s.mov": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 26\n",
    "e.webm": b"",
    "j.m4v": b"\xff\xd8\xff\xe0" + bytes(100),
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_other_formats_than_those_of_recordings_are_refused(
    reader: MediaReader, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(PLAYLISTS[name])
    with Opened(tmp_path / name) as fd:
        (found,) = reader.heads([fd])
        assert isinstance(found, UnreadableVideo)
        assert not isinstance(found, ReadingFailed)
        with pytest.raises(UnreadableVideo, match="cannot be read"):
            reader.picture(fd)


@pytest.mark.parametrize("suffix", sorted(CONTAINERS))
def test_a_terabyte_behind_half_a_film_is_not_read(
    reader: MediaReader, folder: Path, tmp_path: Path, suffix: str
) -> None:
    data = (folder / f"a{suffix}").read_bytes()
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data[: len(data) // 2])
    os.truncate(path, 1 << 40)
    with Opened(path) as fd:
        (found,) = reader.heads([fd])
        assert not isinstance(found, ReadingFailed)


def test_what_kills_the_process_costs_that_one_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies as FFmpeg would, of a file of that size."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "real = os.pread\n"
        "def pread(fd, size, at):\n"
        "    if os.fstat(fd).st_size == 13: os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    return real(fd, size, at)\n"
        "os.pread = pread\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "bad.mkv").write_bytes(bytes(13))
    reader = MediaReader(most=1)
    try:
        with Opened(tmp_path / "bad.mkv") as bad, Opened(folder / "a.mkv") as good:
            found = reader.heads([good, bad, good, bad, good])
            assert [type(each) for each in found] == [
                *(Head, ReadingFailed, Head, ReadingFailed, Head)
            ]
            assert str(found[1]) == "the process that read it was ended by SIGSEGV"
            with pytest.raises(ReadingFailed, match="SIGSEGV"):
                reader.picture(bad)
            assert reader.picture(good).startswith(b"\xff\xd8")
    finally:
        reader.close()


def head_by_worker(code: str, film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return the head of a film, read by a process that runs some code when it starts.

    Arguments:
        folder: for the code.
    """
    (folder / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    reader = MediaReader(most=1)
    try:
        with Opened(film) as fd:
            (found,) = reader.heads([fd])
        return found
    finally:
        reader.close()


def test_what_takes_too_long_is_ended(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, signal\n"
        "os.pread = lambda fd, size, at: signal.pause()\n"
        "real = signal.setitimer\n"
        "signal.setitimer = lambda kind, seconds: real(kind, min(seconds, 0.05))\n"
    )
    found = head_by_worker(code, folder / "a.mkv", tmp_path, monkeypatch)
    assert isinstance(found, ReadingFailed)
    assert "too long" in str(found)
    assert found.is_temporary


@pytest.mark.parametrize(
    ("worker", "why", "is_temporary"),
    [
        (
            "import itertools, time\nreal, calls = time.monotonic, itertools.count()\n"
            "time.monotonic = lambda: real() + 100 * next(calls)",
            "it takes too long to read",
            True,
        ),
        ("def fail(*_): raise OSError(5, 'I/O error')\nos.pread = fail", "I/O error", True),
        ("def fail(*_): raise ValueError('odd')\nos.pread = fail", "odd", False),
        ("os.pread = lambda *_: os.abort()", "SIGABRT", False),
    ],
)
def test_a_slow_or_failing_disk_is_told_from_a_broken_file(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    worker: str,
    why: str,
    is_temporary: bool,
) -> None:
    code = f"import os\n{worker}\n"
    found = head_by_worker(code, folder / "a.mkv", tmp_path, monkeypatch)
    assert isinstance(found, UnreadableVideo)
    assert why in str(found)
    assert found.is_temporary is is_temporary


def test_a_process_may_take_longer_to_start_than_to_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(1.5)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reader = MediaReader()
    try:
        with Opened(folder / "a.mp4") as fd:
            (answer,) = reader._ask("head", [fd], 1.0, 0.0)
        assert answer[0]["codec"] == "h264"
    finally:
        reader.close()


def test_a_process_ends_when_there_is_no_work_and_the_next_one_is_started(folder: Path) -> None:
    reader = MediaReader(idle=0.05)
    try:
        with Opened(folder / "a.mkv") as fd:
            (first,) = reader.heads([fd])
            (process,) = reader._idle
            assert wait_for(lambda: process._process.poll() is not None, "the end of it")
            assert process._process.returncode == 0
            assert reader.heads([fd]) == [first]
    finally:
        reader.close()


def test_one_that_was_killed_while_it_had_no_work_is_an_error_once(folder: Path) -> None:
    reader = MediaReader()
    try:
        with Opened(folder / "a.mkv") as fd:
            reader.heads([fd])
            (pid,) = processes(reader)
            os.kill(pid, signal.SIGKILL)
            (found,) = reader.heads([fd])
            assert "SIGKILL" in str(found)
            assert isinstance(reader.heads([fd])[0], Head)
    finally:
        reader.close()
    assert reader._idle == []


def test_a_picture_of_a_hundred_megapixels_has_a_thumbnail_and_a_larger_one_none(
    reader: MediaReader, tmp_path: Path
) -> None:
    for name, side in (("large.mkv", 10_000), ("larger.mkv", 10_008)):
        jpeg = cv2.imencode(".jpg", np.zeros((side, side), np.uint8))[1].tobytes()
        recording = FileRecording(tmp_path / name, "cam")
        recording.write([Frame(1, START_US, side, side, jpeg)])
        recording.close()
    with Opened(tmp_path / "large.mkv") as fd:
        assert reader.picture(fd).startswith(b"\xff\xd8")
    with (
        Opened(tmp_path / "larger.mkv") as fd,
        pytest.raises(UnreadableVideo, match="larger than 100,000,000 pixels"),
    ):
        reader.picture(fd)


def test_memory_is_bounded(folder: Path) -> None:
    # PyAV alone takes 120 MiB here, and can start; NumPy, which the picture needs, cannot.
    reader = MediaReader(memory=160 << 20)
    try:
        with (
            Opened(folder / "a.mkv") as fd,
            pytest.raises(UnreadableVideo, match="more memory than it may have"),
        ):
            reader.picture(fd)
    finally:
        reader.close()


def test_after_its_end_no_process_is_started(folder: Path) -> None:
    reader = MediaReader()
    reader.close()
    with Opened(folder / "a.mkv") as fd, pytest.raises(OSError, match="the server ends"):
        reader.heads([fd])
    assert not reader._busy
    assert not reader._idle
