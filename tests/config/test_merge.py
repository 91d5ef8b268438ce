"""Two changes of one configuration, joined."""

from __future__ import annotations

import pytest

from twistedcam.config.merge import merge
from twistedcam.config.toml_edits import read_document
from twistedcam.errors import BadArgument

BASE = """# top
log-level = "warn" # x

[camera.door]
source = "pattern:"
fps = 5
"""
YARD = '[camera.yard]\nsource = "pattern:" # theirs\n'


def test_both_changes_and_both_comments_are_kept() -> None:
    mine = BASE.replace("fps = 5", "fps = 6 # mine")
    theirs = BASE.replace('"warn"', '"info"') + YARD
    assert merge(BASE, mine, theirs) == (theirs.replace("fps = 5", "fps = 6 # mine"), [])


def test_changes_of_the_same_line_that_do_not_differ_are_one() -> None:
    theirs = BASE.replace("fps = 5", "fps = 6")
    assert merge(BASE, theirs, theirs) == (theirs, [])
    assert merge(BASE, theirs, BASE) == (theirs, [])
    assert merge(BASE, BASE, theirs) == (theirs, [])


def test_cameras_that_both_add_at_the_end_are_both_there() -> None:
    text, conflicts = merge(BASE, BASE + '[camera.new]\nsource = "push:"\n', BASE + YARD)
    assert [*read_document(text)["camera"]] == ["door", "yard", "new"]
    assert "# theirs" in text
    assert conflicts == []


def test_a_key_that_both_have_changed_is_named_and_has_the_own_value() -> None:
    text, conflicts = merge(BASE, BASE.replace("= 5", "= 6"), BASE.replace("= 5", "= 7"))
    assert (read_document(text)["camera"]["door"]["fps"], conflicts) == (6, ["camera.door.fps"])
    text, conflicts = merge(BASE, BASE.replace("fps = 5\n", ""), BASE.replace("= 5", "= 7"))
    assert (read_document(text)["camera"]["door"], conflicts) == (
        {"source": "pattern:"},
        ["camera.door.fps"],
    )


def test_a_camera_that_is_removed_takes_no_other_with_it() -> None:
    text, conflicts = merge(BASE, 'log-level = "warn"\n', BASE + YARD)
    assert ([*read_document(text)["camera"]], conflicts) == (["yard"], [])


def test_texts_of_many_equal_lines_are_merged_soon() -> None:
    many = "#\n" * 5_000
    theirs = many + "#\n" + BASE.replace("= 5", "= 7")
    text, conflicts = merge(many + BASE, many + "x = 1\n" + BASE, theirs)
    assert (read_document(text)["x"], conflicts) == (1, [])


def test_a_text_that_is_no_toml_is_refused() -> None:
    with pytest.raises(BadArgument, match="TOML"):
        merge(BASE, "[", BASE + YARD)
