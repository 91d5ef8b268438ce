"""Cameras in the text of a configuration: added, copied, renamed, removed, with all comments."""

from __future__ import annotations

import tomllib

import pytest

from twistedcam.config.camera_edits import (
    add_camera,
    copy_camera,
    remove_camera,
    rename_camera,
)
from twistedcam.errors import BadArgument, Forbidden, NoSuchCamera

TEXT = """\
# all mine
http = "8080"   # the page

# the door
[camera.door]
source = "webcam:0"  # a good one
fps = 15

[camera.door.recording]
keep = "1GB"

[camera."front yard"]
source = "pattern:"
# the end of the yard

[[hook]]
on = "recording:finished"
url = "http://192.0.2.1/"
"""
COMMENTS = ("# all mine", "# the page", "# the door", "# a good one", "# the end of the yard")


def cameras(text: str) -> dict[str, object]:
    document = tomllib.loads(text)
    assert document["http"] == "8080"
    assert len(document["hook"]) == 1
    return dict(document["camera"])


def test_a_camera_is_added_after_the_others_and_nothing_else_changes() -> None:
    text = add_camera(TEXT, "Tür", 'http://x/"a"', {"title": "", "fps": "5", "size": "640x480"})
    found = cameras(text)
    assert list(found) == ["door", "front yard", "Tür"]
    assert found["Tür"] == {"source": 'http://x/"a"', "fps": 5, "size": "640x480"}
    assert text.startswith(TEXT[: TEXT.index("[[hook]]")])
    assert all(each in text for each in COMMENTS)


@pytest.mark.parametrize("before", ["", "# nothing yet\n", 'log-level = "warn"'])
def test_the_first_camera_is_added_to_a_file_without_any(before: str) -> None:
    text = add_camera(before, "cam", "pattern:", {})
    assert text.startswith(before)
    assert tomllib.loads(text)["camera"] == {"cam": {"source": "pattern:"}}


def test_a_copy_has_all_settings_of_its_camera() -> None:
    text = copy_camera(TEXT, "door", "gate")
    found = cameras(text)
    assert list(found) == ["door", "front yard", "gate"]
    assert found["gate"] == found["door"]
    assert all(each in text for each in COMMENTS)


def test_a_new_name_changes_the_heads_of_the_tables_alone() -> None:
    text = rename_camera(TEXT, "door", "gate")
    assert text == TEXT.replace("[camera.door", "[camera.gate")
    assert rename_camera(text, "gate", "door") == TEXT
    text = rename_camera(TEXT, "front yard", "Küche 2")
    assert text == TEXT.replace('"front yard"', '"Küche 2"')


@pytest.mark.parametrize(
    "text",
    [
        'x = """\n[camera.door]\n"""\n[camera.door]\nsource = "push:"\n',
        '[camera]\ndoor = {source = "push:"}\n',
        'camera.door.source = "push:"\n',
    ],
)
def test_a_camera_that_is_written_in_another_way_is_renamed_too(text: str) -> None:
    document = tomllib.loads(text)
    assert tomllib.loads(rename_camera(text, "door", "gate")) == {
        **document,
        "camera": {"gate": {"source": "push:"}},
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[camera.door]\nsource = "push:"\nprocess = "a:b"\n', "has user code"),
        ('process = ["door=a:b"]\n[camera.door]\nsource = "push:"\n', "has user code"),
        ('[camera.door]\nsource = "push:"\n[[hook]]\ncamera = "door"\n', "a hook"),
        ('[camera.door]\nsource = "push:"\n[[hook]]\ncamera = ["a", "door"]\n', "a hook"),
    ],
)
def test_a_camera_whose_name_programs_get_is_not_renamed(text: str, why: str) -> None:
    text += '[camera.yard]\nsource = "push:"\n'
    with pytest.raises(Forbidden, match=f"{why}.*its title can be changed"):
        rename_camera(text, "door", "gate")
    assert "gate" in tomllib.loads(rename_camera(text, "yard", "gate"))["camera"]


def test_a_removed_camera_takes_only_its_own_tables_with_it() -> None:
    text = remove_camera(TEXT, "door")
    assert cameras(text) == {"front yard": {"source": "pattern:"}}
    assert "# the end of the yard" in text
    assert "camera" not in tomllib.loads(remove_camera(text, "front yard"))


def test_what_cannot_be_done_is_said() -> None:
    for call in (
        lambda: add_camera(TEXT, "door", "pattern:", {}),
        lambda: copy_camera(TEXT, "door", "front yard"),
        lambda: rename_camera(TEXT, "door", "front yard"),
    ):
        with pytest.raises(BadArgument, match="there is already a camera"):
            call()
    for missing in (lambda: remove_camera(TEXT, "x"), lambda: copy_camera(TEXT, "x", "y")):
        with pytest.raises(NoSuchCamera, match="it has door, front yard"):
            missing()
    for text in ("[camera", "camera = 1\n", "a = [" * 2000):
        with pytest.raises(BadArgument):
            add_camera(text, "cam", "pattern:", {})
    with pytest.raises(BadArgument, match="by hand"):
        add_camera('camera = {a = {source = "pattern:"}}\n', "b", "pattern:", {})
    with pytest.raises(BadArgument):
        add_camera(TEXT, "a/../b\n", "pattern:", {})
