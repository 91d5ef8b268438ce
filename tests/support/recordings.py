"""Recordings folders for tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineReader, InlineThread
from tests.support.films import frame
from twistedcam.errors import NoSuchRecording
from twistedcam.events import Event, EventBus
from twistedcam.recording import Library, LibraryEntry
from twistedcam.recording.library import age
from twistedcam.recording.writer import segment
from twistedcam.recording.writer.single_file import FileRecording

SECRET = b"\xff\xd8\xff what nobody may see \xff\xd9"


def make_recording(
    path: Path, count: int = 30, start: float = 0.0, made: float | None = None
) -> None:
    """A recording of ten frames a second.

    Arguments:
        start: when its first frame was captured, in seconds after that of others.
        made: what this computer's clock says then; if nothing else is said, the same.
    """
    clock = SimpleNamespace(time=lambda: frame(start if made is None else made).time)
    recording = FileRecording(path, "cam")
    with (
        patch.object(segment, "time", clock),
        patch.object(segment, "boot_id", lambda: "0" * 16),  # of an earlier boot
    ):
        recording.write(frame(start + n / 10, n) for n in range(count))
        recording.close()


class LibraryCase(SynchronousTestCase):
    """A library on a folder of its own."""

    def make_reader(self) -> InlineReader:
        """What reads the files."""
        return InlineReader()

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.written: list[LibraryEntry] = []
        self.just_written: list[LibraryEntry] = []
        self.library = self.open()

    def open(self) -> Library:
        """A library as after a start of the program."""
        return Library(
            self.folder,
            self.bus,
            InlineThread,
            lambda: self.written,
            self.make_reader(),
            lambda: self.just_written,
        )

    def get(self, coroutine: Any) -> Any:
        """What a coroutine gives; its error is raised."""
        results: list[Any] = []
        failures: list[Any] = []
        Deferred.fromCoroutine(coroutine).addCallbacks(results.append, failures.append)
        if failures:
            raise failures[0].value
        return results[0]

    def make_five(self) -> None:
        """Make five recordings of a day each, a copy with a foreign name, and a foreign file.

        The clock counts as synchronized. ``size`` is that of a recording.
        """
        self.patch(age, "is_synchronized", lambda: True)
        for number in range(5):
            make_recording(self.folder / f"{number}.mkv", 20, number * 86400.0)
        self.size = (self.folder / "0.mkv").stat().st_size
        self.foreign = self.folder / "0-mine.mkv"
        shutil.copy(self.folder / "0.mkv", self.foreign)
        (self.folder / "holiday.mp4").write_bytes(bytes(10_000_000))

    def names(self) -> list[str]:
        """What is listed, in its order."""
        return [item.recording for item in self.get(self.library.list())]


class OddFolderCase(LibraryCase):
    """A folder with a recording, and a folder beside it that must not be reached."""

    def setUp(self) -> None:
        super().setUp()
        make_recording(self.folder / "a.mp4", 3)
        self.outside = Path(f"{self.folder}.outside")
        self.outside.mkdir()
        self.addCleanup(shutil.rmtree, self.outside)
        make_recording(self.outside / "film.mp4", 3)
        (self.outside / "secret").write_bytes(SECRET)

    def litter(self, suffix: str) -> list[str]:
        """All that is no regular file, under names with that ending."""
        os.mkfifo(self.folder / f"fifo{suffix}")
        (self.folder / f"folder{suffix}").mkdir()
        (self.folder / f"link{suffix}").symlink_to(self.outside / "film.mp4")
        (self.folder / f"dangling{suffix}").symlink_to("nowhere")
        (self.folder / f"circle{suffix}").symlink_to(f"circle{suffix}")
        return [f"{kind}{suffix}" for kind in ("fifo", "folder", "link", "dangling", "circle")]

    def refused(self, call: Any) -> str:
        """What is said of a recording that there is not."""
        with self.assertRaises(NoSuchRecording) as raised:
            self.get(call)
        return str(raised.exception)
