"""New names for recordings, with their protection, and never over another file."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.recordings import LibraryCase
from twistedcam.errors import BadArgument, DiskError, NoSuchRecording
from twistedcam.events import Event, RecordingChanged
from twistedcam.recording.library.protection import Protection
from twistedcam.recording.library.renamer import rename_file
from twistedcam.recording.writer.file_names import release_name, reserve
from twistedcam.recording.writer.part_file import part_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("new", ["visit.mp4", "visit", "visit.MP4"])
def test_a_file_gets_its_new_name_and_keeps_its_ending(folder: Path, new: str) -> None:
    path = rename_file(folder / "a.mp4", new, Protection(folder))
    assert path.name == (new if "." in new else "visit.mp4")
    assert path.read_text() == "a.mp4"
    assert sorted(each.name for each in folder.iterdir()) == sorted(["b.mp4", path.name])
    assert reserve(folder, "visit.mkv"), "no name stays reserved"
    release_name(folder / "visit.mkv")


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("new", ["b.mp4", "b", "a.mp4", "part.mp4", "c.mkv", "../c.mp4", ".c.mp4"])
def test_no_file_is_replaced_or_leaves_the_folder(folder: Path, new: str, has_links: bool) -> None:
    part_of(folder / "part.mp4").touch()
    before = {each.name: each.read_text() for each in folder.iterdir()}
    with pytest.raises(BadArgument), _links(has_links):
        rename_file(folder / "a.mp4", new, Protection(folder))
    assert {each.name: each.read_text() for each in folder.iterdir()} == before


@pytest.mark.parametrize("has_links", [True, False])
def test_the_protection_follows(folder: Path, has_links: bool) -> None:
    protection = Protection(folder)
    protection.change("a.mp4", True)
    with _links(has_links):
        rename_file(folder / "a.mp4", "c.mp4", protection)
    assert Protection(folder).names() == {"c.mp4"}
    assert (folder / "c.mp4").read_text() == "a.mp4"
    assert not (folder / "a.mp4").exists()


def test_a_file_whose_protection_cannot_be_saved_keeps_its_name(folder: Path) -> None:
    protection = Protection(folder)
    protection.change("a.mp4", True)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        patch.object(protection, "change", side_effect=full),
        pytest.raises(DiskError, match="cannot be renamed: No space"),
    ):
        rename_file(folder / "a.mp4", "c.mp4", protection)
    assert sorted(each.name for each in folder.glob("*.mp4")) == ["a.mp4", "b.mp4"]
    assert Protection(folder).names() == {"a.mp4"}


def test_a_file_that_is_gone_is_reported(folder: Path) -> None:
    with pytest.raises(NoSuchRecording):
        rename_file(folder / "x.mp4", "c.mp4", Protection(folder))
    assert not (folder / "c.mp4").exists()


def _links(has_links: bool):  # type: ignore[no-untyped-def]
    """File systems such as FAT have no hard links."""
    refused = OSError(errno.EPERM, os.strerror(errno.EPERM))
    return patch.object(os, "link", side_effect=None if has_links else refused, wraps=os.link)


class LibraryTests(LibraryCase):
    def test_the_list_and_an_event_have_the_new_name(self) -> None:
        self.make_five()
        events: list[Event] = []
        self.bus.subscribe(events.append)
        self.assertEqual(self.get(self.library.rename("2.mkv", "visit")), "visit.mkv")
        self.assertEqual(set(self.names()) & {"2.mkv", "visit.mkv"}, {"visit.mkv"})
        (event,) = events
        assert isinstance(event, RecordingChanged)
        self.assertEqual((event.what, event.name, event.before), ("renamed", "visit.mkv", "2.mkv"))
