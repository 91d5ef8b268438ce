"""The page may choose a folder that is new, empty, or a recordings folder, in sensible places."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.config.places import check_place, offered_places
from twistedcam.errors import Forbidden
from twistedcam.recording.library.hidden_folder import HIDDEN


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "home" / "Videos").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_places_have_their_free_space_and_the_one_in_use_is_the_first(home: Path) -> None:
    current = home / "films"
    places = offered_places(current)
    assert [each["folder"] for each in places[:3]] == [
        str(current),
        str(home.parent / "work" / "recordings"),
        str(home / "Videos" / "twistedcam"),
    ]
    assert all(0 < each["free"] <= each["total"] for each in places)


def test_only_folders_without_other_files_in_sensible_places_can_be_chosen(home: Path) -> None:
    current = home.parent / "elsewhere" / "recordings"
    for folder in (current, current / "new", home / "a" / "b", Path.cwd() / "recordings"):
        check_place(folder, current)
    used = home / "used"
    (used / HIDDEN).mkdir(parents=True)
    (used / "film.mp4").touch()
    check_place(used, current)
    family = home / "family"
    family.mkdir()
    (family / "wedding.mp4").touch()
    outside = home / "link"
    outside.symlink_to("/etc")
    for folder, said in (
        (family, "has other files"),
        (home / ".ssh" / "x", "hidden"),
        (Path("/etc/twistedcam"), "choose a folder in the home folder"),
        (outside / "twistedcam", "choose a folder in the home folder"),
        (home / ".." / ".." / "x", "choose a folder in the home folder"),
        (family / "wedding.mp4", "is a file"),
        (home, "choose a folder in the home folder"),
    ):
        with pytest.raises(Forbidden, match=said):
            check_place(folder, current)
