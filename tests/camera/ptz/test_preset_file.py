"""The presets of webcams are kept in a file, by camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.camera.ptz.preset_file import FILE, PresetFile
from twistedcam.errors import DiskError
from twistedcam.recording.library.hidden_folder import HiddenFolder


def test_presets_of_each_camera_are_kept(tmp_path: Path) -> None:
    folder = HiddenFolder(tmp_path)
    door, yard = PresetFile(folder, "door"), PresetFile(folder, "Küche")
    assert door.read() == {}
    door.write({"Tor": {"pan": 3}})
    yard.write({"a": {"zoom": 1}})
    door.write({**door.read(), "b": {"pan": -1, "tilt": 2}})
    assert PresetFile(folder, "door").read() == {"Tor": {"pan": 3}, "b": {"pan": -1, "tilt": 2}}
    assert yard.read() == {"a": {"zoom": 1}}


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"door": 1}', b'{"door": {"a": 1}}', b"[" * 100_000]
)
def test_a_broken_file_is_none(tmp_path: Path, data: bytes) -> None:
    folder = HiddenFolder(tmp_path)
    folder.write(FILE, data)
    assert PresetFile(folder, "door").read() == {}


def test_what_cannot_be_saved_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="the preset cannot be saved"):
        PresetFile(HiddenFolder(tmp_path / "file"), "door").write({})
    many = {str(number): {"pan": 1} for number in range(101)}
    with pytest.raises(DiskError, match="100 presets"):
        PresetFile(HiddenFolder(tmp_path), "door").write(many)
