"""What was set and saved is there at the next start, and never in the configuration's way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twistedcam.errors import DiskError
from twistedcam.saved import SavedSettings
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
    assert not list(saved.path.parent.iterdir())


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
