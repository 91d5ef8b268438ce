"""The plan of a recording, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from twistedcam.errors import BadArgument, DiskError
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.file_names import is_free, release_name
from twistedcam.recording.writer.plan import Plan, check_plan, make_plan

SETTINGS = RecordSettings()


def test_a_name_selects_the_format_and_is_taken(tmp_path: Path) -> None:
    check_plan(tmp_path, "a", SETTINGS)
    plan = make_plan(tmp_path, "cam", "a", SETTINGS, None, 25.0)
    assert (plan.name, str(plan.format), plan.own_name) == ("a.mp4", "auto.mp4", True)
    assert not is_free(tmp_path, "a.mp4")
    for call in (
        lambda: check_plan(tmp_path, "a.mp4", SETTINGS),
        lambda: make_plan(tmp_path, "cam", "a", SETTINGS, None),
    ):
        with pytest.raises(BadArgument, match=r"there is a recording 'a\.mp4' already"):
            call()
    release_name(tmp_path / "a.mp4")
    check_plan(tmp_path, "a.mp4", SETTINGS)


def test_without_a_name_the_camera_and_the_time_are_the_name(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, "Front door", None, RecordSettings(format=FORMATS["copy"]), None)
    assert plan.name.startswith("Front_door_2")
    assert plan.name.endswith(".mkv")
    assert not plan.own_name
    release_name(tmp_path / plan.name)


@pytest.mark.parametrize("name", ["a.gif", "../a.mp4", "", "ä" * 126 + ".mp4"])
def test_an_invalid_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadArgument):
        check_plan(tmp_path, name, SETTINGS)


def test_a_folder_that_cannot_be_written_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError):
        check_plan(tmp_path / "file", None, SETTINGS)
    with pytest.raises(DiskError, match="is not mounted"):
        make_plan(tmp_path, "cam", None, RecordSettings(require_mount="on"), None)


def test_a_timelapse_is_played_at_thirty_frames_a_second(tmp_path: Path) -> None:
    plan = Plan(tmp_path, "cam", "a.avi", True, FORMATS["copy.avi"], SETTINGS, None, 25.0)
    assert (plan.grid, plan.pace) == (25.0, 1.0)
    lapse = replace(plan, every=10.0)
    assert (lapse.grid, lapse.pace) == (30, 300.0)
