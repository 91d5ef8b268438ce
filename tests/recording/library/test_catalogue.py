"""The list of recordings is made again only if the folder has changed."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from tests.support.movies import entry, names
from twistedcam.recording.library import catalogue, time_index
from twistedcam.recording.library.catalogue import Catalogue
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.protection import Protection


class Folder:
    """A folder whose recordings are looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.looks = self.full_looks = 0
        self.items = [entry("a.mp4", 100, 10), entry("b.mp4", 200, 10)]
        self.protection = Protection(path)
        self.catalogue = Catalogue(path, self.protection)
        self.age(100)

    def age(self, seconds: float) -> None:
        """Let the folder have changed so many seconds ago."""
        then = os.stat(self.path).st_mtime - seconds
        os.utime(self.path, (then, then))

    def look(self, is_full: bool) -> list[LibraryEntry]:
        self.looks += 1
        self.full_looks += is_full
        return list(self.items)

    def names(self, is_final: bool = True) -> list[str]:
        return names(self.catalogue.get(self.look, is_final).newest_first)


def test_an_unchanged_folder_is_looked_at_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.names() == folder.names() == ["b.mp4", "a.mp4"]
    assert folder.looks == 1
    folder.age(10)
    folder.names()
    assert folder.looks == 2
    folder.catalogue.forget()
    folder.names()
    assert folder.looks == 3


def test_unchanged_files_are_not_sorted_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.protection.change("x.mp4", False)
    first = folder.catalogue.get(folder.look)
    folder.catalogue.forget()
    assert folder.catalogue.get(folder.look) is first
    folder.items[0] = entry("a.mp4", 100, 20)
    folder.catalogue.forget()
    assert folder.catalogue.get(folder.look).newest_first[1].seconds == 20
    folder.items.pop()
    folder.catalogue.forget()
    assert folder.names() == ["a.mp4"]
    assert folder.looks == 4


def test_all_files_are_looked_at_once_in_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    for _ in range(3):
        folder.catalogue.forget()
        folder.names()
    assert (folder.looks, folder.full_looks) == (3, 1)
    monkeypatch.setattr(catalogue, "_MAX_AGE", 0.0)
    folder.names()
    assert (folder.looks, folder.full_looks) == (4, 2)


def test_a_recorder_that_deletes_its_oldest_files_sorts_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.protection.change("101.mp4", True)
    folder.items = [entry(f"{number}.mp4", number * 10.0, 10) for number in range(100)]
    folder.names()
    monkeypatch.setattr(catalogue, "_make", None)
    monkeypatch.setattr(time_index, "_without_copies", None)
    for number in range(100, 103):
        folder.items = [*folder.items[1:], entry(f"{number}.mp4", number * 10.0, 10)]
        folder.catalogue.forget()
        found = folder.catalogue.get(folder.look)
    assert names(found.newest_first) == [f"{number}.mp4" for number in range(102, 2, -1)]
    assert found.names == set(names(found.newest_first))
    (span,) = found.times.spans("door")
    assert list(span.entries) == found.newest_first[::-1]
    assert [each.recording for each in span.entries if each.protected] == ["101.mp4"]


def test_a_folder_that_has_just_changed_is_looked_at_each_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "new").touch()
    folder.names()
    folder.names()
    assert folder.looks == 2


def test_a_list_that_is_not_complete_is_not_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.names(is_final=False)
    folder.names()
    assert folder.looks == 2


def test_protected_ones_are_marked(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "a.mp4").touch()
    folder.protection.change("a.mp4", True)
    found = folder.catalogue.get(folder.look)
    assert [each.protected for each in found.newest_first] == [False, True]
    assert found.names == {"a.mp4", "b.mp4"}
    assert [each.start for each in found.times.spans("door")] == [100, 200]


def test_a_hundred_thousand_are_neither_looked_at_nor_sorted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "_MAX_AGE", math.inf)
    folder = Folder(tmp_path)
    folder.items = [entry(f"{number}.mp4", number * 60.0, 50) for number in range(100_000)]
    first = folder.catalogue.get(folder.look)
    assert first.newest_first[0].recording == "99999.mp4"
    assert folder.catalogue.get(folder.look) is first
    assert folder.looks == 1
