"""What was set and saved is there at the next start, and never in the configuration's way."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event, get_ident
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.process import PATIENCE
from twistedcam.core.saved_settings import SavedSettings
from twistedcam.errors import DiskError
from twistedcam.sources.spec import parse

CONFIGURED = parse("pattern:?size=640x480&fps=10")
NOW = CONFIGURED.with_settings({"size": "320x240", "quality": "50"})


def test_what_differs_is_saved_and_holds_for_the_same_camera_and_source(tmp_path: Path) -> None:
    saved = SavedSettings(tmp_path)
    assert saved.apply("cam", CONFIGURED) is CONFIGURED
    assert saved.save("cam", CONFIGURED, NOW) == {"size": "320x240", "quality": "50"}
    assert SavedSettings(tmp_path).apply("cam", CONFIGURED).settings == NOW.settings
    assert saved.apply("other", CONFIGURED) is CONFIGURED
    other = parse("webcam:0?size=640x480&fps=10")
    assert saved.apply("cam", other) is other


def test_the_configuration_wins_where_it_says_something_else_now(tmp_path: Path) -> None:
    saved = SavedSettings(tmp_path)
    saved.save("cam", CONFIGURED, NOW)
    changed = CONFIGURED.with_settings({"size": "800x600"})
    assert saved.apply("cam", changed).settings == {**changed.settings, "quality": "50"}


def test_a_setting_that_was_taken_away_stays_away(tmp_path: Path) -> None:
    saved = SavedSettings(tmp_path)
    before = parse("webcam:0?exposure_auto=3")
    saved.save("cam", before, parse("webcam:0?exposure=100"))
    assert saved.apply("cam", before).settings == {"exposure": "100"}


def test_saving_what_is_configured_forgets_this_camera_alone(tmp_path: Path) -> None:
    saved = SavedSettings(tmp_path)
    for name in ("one", "two"):
        saved.save(name, CONFIGURED, NOW)
    saved.save("one", CONFIGURED, CONFIGURED)
    assert saved.apply("one", CONFIGURED) is CONFIGURED
    assert saved.apply("two", CONFIGURED).settings == NOW.settings
    saved.save("two", CONFIGURED, CONFIGURED)
    assert [each.name for each in saved.path.parent.iterdir()] == ["installation"]


def test_two_cameras_that_are_saved_at_once_are_both_kept(tmp_path: Path) -> None:
    """The first does not write before the second waits for it, or has read what was there."""
    saved = SavedSettings(tmp_path)
    read, write = saved._read, saved._write
    first, second = Event(), Event()
    here: set[int] = set()

    def came() -> None:
        here.add(get_ident())
        (first if len(here) == 1 else second).set()

    def noted() -> dict[str, Any]:
        found = read()
        came()
        return found

    def slow(cameras: dict[str, Any]) -> None:
        assert second.wait(PATIENCE)
        write(cameras)

    lock = saved._hidden.changing

    def changing(name: str) -> AbstractContextManager[None]:
        came()
        return lock(name)

    with (
        patch.object(saved._hidden, "changing", changing),
        patch.object(saved, "_read", noted),
        patch.object(saved, "_write", slow),
        ThreadPoolExecutor(2) as threads,
    ):
        one = threads.submit(saved.save, "one", CONFIGURED, NOW)
        assert first.wait(PATIENCE)
        two = threads.submit(saved.save, "two", CONFIGURED, NOW)
        one.result(PATIENCE)
        two.result(PATIENCE)
    for name in ("one", "two"):
        assert saved.apply(name, CONFIGURED).settings == NOW.settings


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 9, "cameras": {}}', "\0\0"])
def test_a_file_that_cannot_be_read_is_as_none(text: str, tmp_path: Path) -> None:
    saved = SavedSettings(tmp_path)
    saved.path.parent.mkdir()
    saved.path.write_text(text)
    assert saved.apply("cam", CONFIGURED) is CONFIGURED
    saved.save("cam", CONFIGURED, NOW)
    assert saved.apply("cam", CONFIGURED).settings == NOW.settings


def test_a_value_that_will_not_do_any_more_is_left_out(tmp_path: Path) -> None:
    saved = SavedSettings(tmp_path)
    saved.save("cam", CONFIGURED, NOW)
    kept = json.loads(saved.path.read_text())
    kept["cameras"]["cam"]["settings"]["size"]["value"] = "huge"
    saved.path.write_text(json.dumps(kept))
    assert saved.apply("cam", CONFIGURED) is CONFIGURED


def test_no_password_is_written(tmp_path: Path) -> None:
    saved = SavedSettings(tmp_path)
    peer = parse("http://me:secret@10.0.0.7/mjpg?token=hidden")
    saved.save("cam", peer, peer.with_settings({"quality": "50"}))
    text = saved.path.read_text()
    assert "secret" not in text
    assert "hidden" not in text
    assert saved.apply("cam", peer).settings["quality"] == "50"


def test_a_folder_that_cannot_be_written_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / ".twistedcam").write_text("in the way")
    with pytest.raises(DiskError, match="cannot be written"):
        SavedSettings(tmp_path).save("cam", CONFIGURED, NOW)
