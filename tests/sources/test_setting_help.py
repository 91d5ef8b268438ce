"""The help of the settings of all sources."""

from __future__ import annotations

from pathlib import Path

from twistedcam.camera import source_settings
from twistedcam.sources.registry import SCHEMES
from twistedcam.sources.setting_help import HELP, setting_help
from twistedcam.sources.spec import COMMON, parse

TARGETS = {
    "auto": "",
    "pattern": "",
    "push": "",
    "webcam": "0",
    "picamera": "0",
    "twistedcam+unix": "/run/x",
}


def test_every_setting_of_every_source_has_help_and_no_other_has(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    found = set()
    for scheme in SCHEMES:
        target = TARGETS.get(scheme, "//192.0.2.1/x")
        if scheme in ("file", "folder"):
            target = str(tmp_path / "clip.mp4" if scheme == "file" else tmp_path)
        kinds = source_settings(parse(f"{scheme}:{target}")).kinds
        assert kinds.keys() >= COMMON, scheme
        for name in kinds:
            assert setting_help(scheme, name).help, (scheme, name)
            found.add(name)
    assert {each.rpartition(":")[2] for each in HELP} == found


def test_the_help_of_a_source_comes_before_that_of_all() -> None:
    assert "snapshots" in setting_help("https", "fps").help
    assert "camera is asked" in setting_help("webcam", "fps").help
    assert setting_help("webcam", "brightness").help == ""


def test_kinds_have_ranges_choices_and_defaults() -> None:
    kinds = source_settings(parse("webcam:0")).kinds
    assert (kinds["fps"].low, kinds["fps"].high, kinds["fps"].default) == (0.1, 1000, "30")
    assert (kinds["size"].name, kinds["size"].default) == ("picture size", "1280x720")
    assert kinds["rotate"].choices == ("", "90", "180", "270")
    assert (kinds["muted"].name, kinds["timestamp"].default) == ("switch", "0")
    assert (kinds["audio"].default, kinds["audio_offset_ms"].low) == ("off", -10_000)
    assert source_settings(parse("rtsp://192.0.2.1/x")).kinds["audio"].default == "auto"
