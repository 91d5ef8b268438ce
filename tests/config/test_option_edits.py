"""Changes of single options in the text of a configuration."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from twistedcam.config.option_edits import OptionChange, set_option
from twistedcam.errors import BadArgument, Forbidden, NoSuchCamera

TEXT = """# mine

# the level
log-level = "warn"  # for now

[camera.door]   # the door
source = "rtsp://me:secret@192.0.2.1/x#title=Door&transport=udp"
quality = 70 # less
# end

[camera.door.recording]
keep = "5GB"

[camera."front yard"]
source = "pattern:?size=320x240&fps=5"  # test
video.bitrate = "2M"
publish = [
  "rtmp://192.0.2.1/live/secret#name=x",  # one
  "rtmp://192.0.2.2/live/secret", # two
]
"""


def changes(path: str, value: Any, text: str = TEXT) -> list[str]:
    """Return the lines that a change removes and adds."""
    after = set_option(text, OptionChange(tuple(path.split("/")), value))
    lines = difflib.ndiff(text.splitlines(), after.splitlines())
    return [f"{line[0]}{line[2:]}" for line in lines if line[0] in "+-"]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        ("log-level", "info", ['-log-level = "warn"  # for now', '+log-level = "info"  # for now']),
        ("log-level", "warn", []),
        ("log-level", None, ['-log-level = "warn"  # for now', "+# for now"]),
        ("stopped", True, ["+stopped = true"]),
        ("recording/keep", "20GB", ["+", "+[recording]", '+keep = "20GB"']),
        ("camera/door/quality", 80, ["-quality = 70 # less", "+quality = 80 # less"]),
        ("camera/door/quality", None, ["-quality = 70 # less", "+# less"]),
        ("camera/door/title", 'A "b" \\', ['+title = "A \\"b\\" \\\\"']),
        ("camera/door/recording/segment", "10m", ['+segment = "10m"']),
        ("camera/door/recording/keep", None, ['-keep = "5GB"']),
        ("camera/door/motion", True, ["+[camera.door.motion]", "+"]),
        ("camera/door/motion", False, []),
        ("camera/front yard/video/bitrate", None, ['-video.bitrate = "2M"']),
        ("camera/front yard/video/preset", "fast", ['+video.preset = "fast"']),
        (
            "camera/front yard/size",
            None,
            [
                '-source = "pattern:?size=320x240&fps=5"  # test',
                '+source = "pattern:?fps=5"  # test',
            ],
        ),
    ],
)
def test_only_the_value_changes_and_comments_stay(path: str, value: Any, lines: list[str]) -> None:
    assert changes(path, value) == lines


def test_an_item_of_a_list_is_added_or_removed_and_comments_of_others_stay() -> None:
    shown = ["rtmp://192.0.2.1/live/***#name=x", "rtmp://192.0.2.2/live/***"]
    path = "camera/front yard/publish"
    assert changes(path, shown) == []
    found = changes(path, [*shown, "rtmp://192.0.2.3/live/k"])
    assert found == ['+  "rtmp://192.0.2.3/live/k",']
    found = changes(path, shown[1:])
    assert len(found) <= 2
    assert "# two" in set_option(TEXT, OptionChange(tuple(path.split("/")), shown[1:]))
    assert changes(path, None)[0] == "-publish = ["


def test_an_address_that_is_shown_without_its_secrets_stays_as_it_is() -> None:
    path = "camera/door/source"
    assert changes(path, "rtsp://***@192.0.2.1/x#title=Door&transport=udp") == []
    with pytest.raises(BadArgument, match="in place of"):
        changes(path, "rtsp://***@192.0.2.66/x")
    assert changes(path, "rtsp://192.0.2.66/x")[1] == '+source = "rtsp://192.0.2.66/x"'


@pytest.mark.parametrize(
    ("path", "value", "kind", "said"),
    [
        ("http", "8080", Forbidden, "'http'"),
        ("tokens", None, Forbidden, "'tokens'"),
        ("hook", "x", Forbidden, "'hook'"),
        ("hook/run", "x", Forbidden, "'hook'"),
        ("camera/door/process", "os:system", Forbidden, "'process'"),
        ("nothing", 1, BadArgument, "no option"),
        ("recording", True, BadArgument, "no option"),
        ("recording/segment_size", 1, BadArgument, "no option"),
        ("camera/door/recording", True, BadArgument, "no option"),
        ("camera/door/recording/keep", "x", BadArgument, "not a size"),
        ("camera/door/recording/keep/x", "x", BadArgument, "one to four|no option"),
        ("camera/door", "x", BadArgument, "setting by setting"),
        ("camera", "x", BadArgument, "setting by setting"),
        ("camera/motion", True, BadArgument, "setting by setting"),
        ("camera/door/motion", "x", BadArgument, "true"),
        ("camera/door/source", None, BadArgument, "needs a source"),
        ("camera/door/source", "nothing", BadArgument, "not a source"),
        ("camera/door/__class__", "x", BadArgument, "no setting"),
        ("camera/door/title", ["x"], BadArgument, "has to be"),
        ("camera/door/publish", ["nothing://x"], BadArgument, "cannot be published"),
        ("camera/nobody/fps", 1, NoSuchCamera, "nobody"),
        ("log-level", "loud", BadArgument, "one of debug"),
        ("workers", 65, BadArgument, "from 0 to 64"),
        ("workers", True, BadArgument, "whole number"),
        ("motion/sensitivity", 0, BadArgument, "from 1 to 100"),
        ("video/encoder", "/bin/x", BadArgument, "unknown"),
    ],
)
def test_what_is_no_option_not_valid_or_closed_is_refused(
    path: str, value: Any, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        changes(path, value)


@pytest.mark.parametrize(
    "given",
    [
        *(None, [], {}, {"path": "x"}, {"path": []}, {"path": ["a"] * 5}, {"path": [1]}),
        *({"path": ["x"], "value": each} for each in ({}, [1], ["a"] * 101, "x" * 4001, "a\nb")),
        *({"path": ["x"], "value": each} for each in ("\0", "\ud800", float("nan"), ["\x7f"])),
    ],
)
def test_a_change_that_has_another_form_is_refused(given: Any) -> None:
    with pytest.raises(BadArgument):
        OptionChange.read(given)


def test_a_comment_before_a_table_stays_before_it() -> None:
    door = '# the door\n[camera.door]\nsource = "pattern:"\n'
    assert set_option(door, OptionChange(("stopped",), True)) == "stopped = true\n\n" + door
    text = "# about the file\n\n"
    assert set_option(text + door, OptionChange(("stopped",), True)) == (
        text + "stopped = true\n\n" + door
    )
    text = "keys = false # none\n"
    assert (
        set_option(text + door, OptionChange(("stopped",), True))
        == text + "stopped = true\n" + door
    )
    assert (
        set_option(
            door + "# the yard\n" + '[camera.yard]\nsource = "push:"\n',
            OptionChange(("camera", "door", "fps"), 5),
        )
        == door + 'fps = 5\n# the yard\n[camera.yard]\nsource = "push:"\n'
    )


def test_tables_in_one_line_and_dotted_keys_are_changed_too() -> None:
    text = '[camera]\ndoor = { source = "pattern:", motion = { sensitivity = 5 } } # x\n'
    after = set_option(text, OptionChange(("camera", "door", "fps"), 5))
    assert after.endswith("fps = 5} # x\n")
    after = set_option(text, OptionChange(("camera", "door", "motion", "sensitivity"), None))
    assert "motion = {" in after


def test_a_table_that_switches_something_on_does_not_end_with_its_last_key() -> None:
    text = '[camera.door]\nsource = "pattern:"\nmotion.sensitivity = 5\n'
    with pytest.raises(BadArgument, match="by hand"):
        set_option(text, OptionChange(("camera", "door", "motion", "sensitivity"), None))
