"""The options as fields of forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import ROOT
from tools.page_texts import faults, option_texts
from twistedcam.config.arguments import options_from
from twistedcam.config.forms import GROUPS, TABLES, camera_form, server_form
from twistedcam.config.page_rules import FORM_OPTIONS
from twistedcam.config.toml_file import FILE_OPTIONS
from twistedcam.errors import BadArgument, NoSuchCamera
from twistedcam.util.schema import settings_of

TEXT = """
log-level = "warn"
mqtt = "mqtt://me:secret@192.0.2.1"
[recording]
keep = "20GB"
[camera.door]
source = "rtsp://me:secret@192.0.2.1/x#title=Door&transport=udp"
publish = "rtmp://192.0.2.1/live/secret"
process = "twistedcam.examples.motion:motion"
privacy = [[[0, 0], [1, 0], [1, 1]]]
brightness = 3
[camera.door.motion]
zones = { drive = [[0, 0], [1, 0], [1, 1]] }
[camera.door.recording]
audio = "off"
[[hook]]
on = "state:live"
run = ["/usr/local/bin/upload", "secret"]
"""


def fields(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields of a form by their paths."""
    found = [each for group in form["groups"] for each in group["fields"]]
    return {".".join(each["path"]): each for each in found}


def server(text: str = TEXT, *words: str) -> dict[str, dict[str, Any]]:
    return fields(server_form(text, options_from([*words])))


def camera(text: str = TEXT, *words: str) -> dict[str, dict[str, Any]]:
    return fields(camera_form(text, "door", options_from([*words])))


def test_every_option_of_the_schema_has_a_field_with_help() -> None:
    expected = [*FILE_OPTIONS]
    for table, schema in TABLES.items():
        expected += [f"{table}.{key}" for key in settings_of(schema) if key != "segment_size"]
    found = server()
    assert sorted(found) == sorted(expected)
    for path, field in {**found, **camera(TEXT.replace("brightness = 3\n", ""))}.items():
        assert field["help"], path
    known = {key for keys in GROUPS.values() for key in keys}
    assert known <= FILE_OPTIONS.keys()


def test_a_field_has_kind_range_default_and_effect() -> None:
    found = server()
    level = found["log-level"]
    assert (level["kind"], level["value"], level["default"]) == ("choice", "warn", "info")
    assert (level["applies"], level["choices"][0]) == ("restart", "debug")
    workers = found["workers"]
    assert (workers["kind"], workers["low"], workers["high"]) == ("integer", 0, 64)
    assert (found["stopped"]["applies"], found["stopped"]["default"]) == ("now", False)
    assert (found["no-http"]["applies"], found["http"]["is_list"]) == ("restart", True)
    assert (found["recording.preroll_memory"]["default"], found["motion.after"]["default"]) == (
        "256MiB",
        "10s",
    )
    assert (found["recording.crf"]["kind"], found["recording.crf"]["high"]) == ("integer", 51)
    assert found["video.encoder"]["choices"][:2] == ["libx264", "auto"]


def test_a_field_that_the_page_may_not_change_is_locked() -> None:
    locked = {key for key, each in server().items() if each.get("locked")}
    assert locked == {k for k, each in FILE_OPTIONS.items() if each.name not in FORM_OPTIONS}
    assert {key for key, each in camera().items() if each.get("locked")} == {"camera.door.process"}


def test_values_come_from_the_table_the_address_or_the_table_of_all_cameras() -> None:
    found = camera()
    assert found["camera.door.title"]["value"] == "Door"
    assert found["camera.door.title"]["is_in_address"]
    assert not found["camera.door.privacy"]["is_in_address"]
    assert found["camera.door.privacy"]["value"] == "0,0 1,0 1,1"
    assert found["camera.door.motion.zones"]["value"] == "drive: 0,0 1,0 1,1"
    assert found["camera.door.recording.keep"]["value"] is None
    assert found["camera.door.recording.keep"]["inherited"] == "20GB"
    assert found["camera.door.recording.audio"]["value"] is False
    assert found["camera.door.brightness"]["value"] == 3
    assert (found["camera.door.title"]["applies"], found["camera.door.transport"]["applies"]) == (
        "now",
        "reopen",
    )


def test_no_secret_is_in_a_form() -> None:
    for name in (None, "door"):
        words = options_from(
            ["--mqtt", "mqtt://me:secret@192.0.2.1", "--camera", "x=rtsp://a:secret@h/"]
        )
        form = server_form(TEXT, words) if name is None else camera_form(TEXT, name, words)
        assert "secret" not in str(form)
    misplaced = '[camera.door]\nsource = "push:"\nmqtt = "mqtt://me:secret@192.0.2.1"\n'
    assert camera(misplaced)["camera.door.mqtt"]["value"] == "mqtt://***@192.0.2.1"
    assert server_form(TEXT, options_from([]))["hooks"] == [
        {"name": "hook1", "on": ["state:live"], "cameras": [], "target": "/usr/local/bin/upload"}
    ]


def test_what_the_command_line_overrides_is_said() -> None:
    found = server(TEXT, "--log-level", "error", "--record", "keep=5GB")
    assert found["log-level"]["command_line"] == "--log-level error"
    assert found["recording.keep"]["command_line"] == "--record keep=5GB"
    assert "command_line" not in found["workers"]
    mine = camera(TEXT, "--camera", "door=pattern:", "--motion", "after=3s")
    assert mine["camera.door.source"]["command_line"] == "--camera door=pattern:"
    assert mine["camera.door.motion.after"]["command_line"] == "--motion after=3s"
    form = camera_form(TEXT, "door", options_from(["--camera", "yard=pattern:"]))
    assert form["is_used"] is False


def test_forms_are_made_of_a_text_with_values_that_are_not_valid(tmp_path: Path) -> None:
    text = '[camera.door]\nsource = "nothing"\nfps = "x"\n[camera.door.recording]\nkeep = []\n'
    found = camera(text)
    assert found["camera.door.source"]["value"] == "nothing"
    assert found["camera.door.fps"]["value"] == "x"
    with pytest.raises(NoSuchCamera):
        camera_form("", "door", options_from([]))
    with pytest.raises(BadArgument, match="TOML"):
        server_form("[", options_from([]))


def test_the_help_of_all_options_is_translated() -> None:
    texts = option_texts()
    assert {each["help"] for each in camera().values() if each["help"]} <= texts.keys()
    page = ROOT / "twistedcam/servers/http/page/static"
    languages = {path.name for path in (page / "texts").glob("*.json")}
    assert {path.name for path in (page / "option_texts").glob("*.json")} == languages
    for name in languages:
        found = json.loads((page / "option_texts" / name).read_text())
        assert faults(texts, found, name.removesuffix(".json")) == []
