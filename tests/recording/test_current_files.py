"""The files of a recorder that the library has not read yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twistedcam.recording.current_files import CurrentFiles
from twistedcam.recording.writer.session import Progress


def make_files() -> CurrentFiles:
    """Files of a camera."""
    camera: Any = SimpleNamespace(name="door", width=160, height=120)
    return CurrentFiles(camera)


def progress(name: str, started: float, seconds: float) -> Progress:
    """The progress of a recording in its newest file."""
    return Progress(name, frames=9, started=started, file_seconds=seconds, file_bytes=1000)


def test_a_file_ends_where_the_next_one_begins() -> None:
    files = make_files()
    files.leave(progress("a.mp4", 100.0, 9.8), progress("b.mp4", 110.0, 0.04))
    (entry,) = files.before
    assert (entry.recording, entry.camera, entry.start, entry.seconds) == ("a.mp4", "door", 100, 10)
    assert not entry.complete


def test_a_file_before_a_gap_or_the_last_one_has_the_length_that_is_known() -> None:
    files = make_files()
    files.leave(progress("a.mp4", 100.0, 9.8), progress("b.mp4", 160.0, 0.04))
    files.leave(progress("b.mp4", 160.0, 4.2), progress("b.mp4", 160.0, 0.0))
    assert [each.seconds for each in files.before] == [9.8, 4.2]


def test_only_the_newest_are_remembered() -> None:
    files = make_files()
    for number in range(1000):
        files.leave(progress(f"{number}.mp4", number, 1.0), progress("", number + 1, 0.0))
    assert len(files.before) < 20
    assert files.before[-1].recording == "999.mp4"
