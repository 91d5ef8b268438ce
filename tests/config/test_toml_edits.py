"""Changes of single values in TOML texts."""

from __future__ import annotations

import pytest

from twistedcam.config.toml_edits import read_document, write_value
from twistedcam.errors import BadArgument

TEXT = """# about the file

[a]  # first
x = [
  1, # one
  2,
]
y = 'text' # why
# the second
[a.b]
z = 1.5

[c]
"""


def test_a_new_key_is_behind_the_last_one_of_its_table() -> None:
    assert write_value(TEXT, ("a", "n"), True) == TEXT.replace("# why\n", "# why\nn = true\n")
    assert write_value(TEXT, ("n",), 1).startswith("# about the file\n\nn = 1\n\n[a]")
    short = TEXT.replace("y = 'text' # why\n", "")
    assert write_value(short, ("a", "y"), "s").startswith(short.partition("# the second")[0])
    assert read_document(write_value(TEXT, ("c", "d", "e"), 2))["c"] == {"d": {"e": 2}}


def test_a_key_is_removed_with_its_line_and_its_comment_stays() -> None:
    assert write_value(TEXT, ("a", "y"), None) == TEXT.replace("y = 'text' # why", "# why")
    assert write_value(TEXT, ("a", "b", "z"), None) == TEXT.replace("z = 1.5\n", "")
    assert write_value(TEXT, ("a", "nothing"), None) == TEXT
    dotted = "a.b = 1\n[c]\n"
    assert write_value(dotted, ("a", "b"), None) == "[c]\n"


def test_a_table_is_written_and_removed_as_a_whole() -> None:
    found = write_value(TEXT, ("a", "t"), {"k": ["v"], "u": {"w": 1}})
    assert read_document(found)["a"]["t"] == {"k": ["v"], "u": {"w": 1}}
    assert read_document(write_value(TEXT, ("a",), None)) == {"c": {}}


def test_a_table_that_switches_something_on_does_not_end_with_its_last_key() -> None:
    text = "motion.sensitivity = 5\n"
    with pytest.raises(BadArgument, match="by hand"):
        write_value(text, ("motion", "sensitivity"), None)
    assert write_value(text, ("motion",), None).strip() == ""


def test_a_text_that_is_no_toml_is_refused() -> None:
    with pytest.raises(BadArgument, match="TOML"):
        write_value("[", ("a",), 1)
    for text in ("x = " + "[" * 30 + "]" * 30, ".".join("a" * 30) + " = 1", "x = " + "[" * 3000):
        with pytest.raises(BadArgument, match=r"TOML|in each other"):
            write_value(text, ("a",), 1)


def test_a_long_text_costs_no_time_out_of_proportion() -> None:
    text = TEXT + " " * 40_000 + "\n" + "#\n" * 1000
    assert write_value(text, ("a", "y"), None) == text.replace("y = 'text' # why", "# why")
