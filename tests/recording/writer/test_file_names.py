"""Names cannot lead out of the folder, and nothing is ever overwritten."""

from __future__ import annotations

import errno
import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.errors import BadArgument
from twistedcam.recording.writer import file_names as names
from twistedcam.recording.writer import part_file as partfile
from twistedcam.recording.writer.file_names import (
    check_name,
    is_free,
    release_name,
    reserve,
    reserve_free_name,
    reserve_next_name,
)
from twistedcam.recording.writer.part_file import move_without_replacing, name_of_part, part_of

SUFFIXES = (".mp4", ".mkv")


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a.mp4", "a/b.mp4", "/a.mp4", "a\\b.mp4", ".a.mp4", "a..b.mp4"),
        *("a\n.mp4", "caf%E9.mp4", "caf%25E9.mp4"),
        *("a\x00.mp4", "a\x7f.mp4", "a\udc80.mp4", "ä" * 99 + ".mp4", "a.txt", "a.mp4/"),
    ],
)
def test_a_name_that_is_no_plain_film_s_name_is_refused(name: str) -> None:
    with pytest.raises(BadArgument):
        check_name(name, SUFFIXES)


@pytest.mark.parametrize(
    "name", ["a.mp4", "Garage Tür.mkv", "ä" * 98 + ".mp4", "-x.mp4", "x.MP4", "9%.mp4"]
)
def test_a_plain_name_is_taken_as_it_is(name: str) -> None:
    assert check_name(name, SUFFIXES) == name


def test_a_name_without_ending_gets_the_default_one() -> None:
    assert check_name("garage", SUFFIXES) == "garage.mp4"
    assert check_name("garage", SUFFIXES, ".mkv") == "garage.mkv"


@given(st.text(max_size=30))
def test_whatever_is_accepted_stays_in_the_folder(name: str) -> None:
    try:
        checked = check_name(name, SUFFIXES)
    except BadArgument:
        return
    folder = Path("/srv/recordings")
    assert (folder / checked).parent == folder
    assert part_of(folder / checked).parent == folder
    assert name_of_part(part_of(folder / checked).name) == checked


def test_a_free_name_has_the_local_time_and_is_free(tmp_path: Path) -> None:
    when = time.mktime((2026, 11, 22, 14, 3, 5, 0, 0, -1))
    name = "cam_2026-11-22_14-03-05.mp4"
    (tmp_path / name).touch()
    part_of(tmp_path / "cam_2026-11-22_14-03-05-2.mp4").touch()
    assert reserve_free_name(tmp_path, "cam", when, ".mp4") == "cam_2026-11-22_14-03-05-3.mp4"
    assert reserve_next_name(tmp_path, name) == "cam_2026-11-22_14-03-05-4.mp4"
    assert reserve_free_name(tmp_path, "cam", when + 1, ".mp4") == "cam_2026-11-22_14-03-06.mp4"


def test_a_name_that_is_taken_is_nobody_else_s_until_it_is_given_back(tmp_path: Path) -> None:
    assert reserve(tmp_path, "a.mp4")
    assert not reserve(tmp_path, "a.mp4") and not is_free(tmp_path, "a.mp4")
    assert reserve_next_name(tmp_path, "a.mp4") == "a-2.mp4"
    assert is_free(tmp_path / "other", "a.mp4")
    release_name(tmp_path / "a.mp4")
    assert reserve(tmp_path, "a.mp4")


def test_a_file_that_gets_its_name_while_one_looks_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    part_of(path).touch()
    real = Path.exists

    def exists(looked_at: Path) -> bool:
        there = real(looked_at)
        if part_of(path) in tmp_path.iterdir():
            move_without_replacing(part_of(path), path)  # between this look and the next one
        return there

    monkeypatch.setattr(Path, "exists", exists)
    assert not reserve(tmp_path, "a.mp4")
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def test_a_finished_file_never_takes_another_s_place(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("somebody's")
    part = tmp_path / ".a.mp4.part"
    part.write_text("ours")
    assert move_without_replacing(part, tmp_path / "a.mp4") == tmp_path / "a-2.mp4"
    assert (tmp_path / "a.mp4").read_text() == "somebody's"
    assert (tmp_path / "a-2.mp4").read_text() == "ours"
    assert not part.exists()


def test_a_camera_s_name_that_the_file_system_does_not_take_becomes_url_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    when = datetime(2026, 11, 22, 14, 3, 5).timestamp()
    end = "_2026-11-22_14-03-05.mkv"

    def name_of(camera: str) -> str:
        name = reserve_free_name(tmp_path, camera, when, ".mkv")
        names.release_name(tmp_path / name)
        return name

    assert name_of("front door") == f"front_door{end}"
    assert name_of("Küche") == f"Küche{end}"
    assert len(name_of("é" * 60).encode()) < names.MAX_BYTES
    reserve = names.reserve

    def reserve_ascii(folder: Path, name: str) -> bool:
        if not name.isascii():
            raise OSError(errno.EILSEQ, "Invalid or incomplete multibyte or wide character")
        return reserve(folder, name)

    with monkeypatch.context() as patched:
        patched.setattr(names, "reserve", reserve_ascii)
        assert name_of("Küche") == f"Kuche{end}"
    monkeypatch.setattr(names, "max_name_length", lambda folder: 143)  # eCryptfs
    longest = name_of("é" * 60)
    assert longest == f"{'e' * 60}{end}"
    assert name_of("ﷺ" * 40).startswith("camera-")
    monkeypatch.setattr(names, "max_name_length", lambda folder: 60)
    assert len(name_of("a" * 64)) + len(partfile.PREFIX + partfile.SUFFIX) <= 60
