"""A field's type and annotations say how it is read, and what is wrong with another value."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct, field

from twistedcam.errors import BadArgument
from twistedcam.util.schema import Option, Read, read_settings, settings_of


def upper(text: str, label: str) -> str:
    if not text:
        raise BadArgument(f"{label} is empty")
    return text.upper()


class Table(Struct, rename="kebab"):
    name: Annotated[str, Read(upper, "NAME")]
    names: Annotated[list[str], Read(upper), Option("a", "names", flag="one-name")] = field(
        default_factory=lambda: ["A", "B"]
    )
    is_on: bool = False
    least: Annotated[int, Meta(ge=1, le=1_000_000)] = 5
    share: Annotated[float | None, Meta(ge=0.5, le=2)] = None
    kind: Literal["small", "big"] = "small"
    more: dict[str, Any] = {}


KNOWN = settings_of(Table)


def test_a_table_becomes_values_by_the_fields_names() -> None:
    given = {"name": "a", "names": ["b", "c"], "is-on": True, "least": 7, "share": 1, "kind": "big"}
    found = read_settings(KNOWN, {**given, "more": {"x": [1]}})
    assert found == {
        "name": "A",
        "names": ["B", "C"],
        "is_on": True,
        "least": 7,
        "share": 1.0,
        "kind": "big",
        "more": {"x": [1]},
    }
    assert Table(**found).names == ["B", "C"]


def test_a_text_can_stand_for_a_number_and_one_text_for_a_list() -> None:
    given = {"names": "b", "least": "7", "share": "1.5"}
    assert read_settings(KNOWN, given) == {"names": ["B"], "least": 7, "share": 1.5}


def test_a_field_has_its_documentation() -> None:
    assert [each.flag for each in KNOWN.values()][:3] == ["--name", "--one-name", "--is-on"]
    shown = {key: each.shown_default for key, each in KNOWN.items() if key not in ("name", "more")}
    assert shown == {"names": "A, B", "is-on": "false", "least": "5", "share": "", "kind": "small"}
    assert KNOWN["name"].default is msgspec.NODEFAULT
    assert [key for key, each in KNOWN.items() if each.is_optional] == ["share"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("nam", "a", "there is no option 'x.nam': did you mean 'name'?"),
        ("zzz", "a", "there is no option 'x.zzz': there are name, names, is-on, least"),
        ("is_on", True, "did you mean 'is-on'"),
        ("name", 5, "x.name has to be a string, not 5"),
        ("name", "", "x.name is empty"),
        ("name", ["a"], "x.name has to be a string, not a list"),
        ("names", ["a", {}], "x.names has to be a string, not a table"),
        ("is-on", 1, "x.is-on has to be true or false, not 1"),
        ("is-on", "true", "x.is-on has to be true or false, not 'true'"),
        ("least", 0, "x.least has to be a whole number from 1 to 1000000, not 0"),
        ("least", True, "not true"),
        ("least", 1.5, "not 1.5"),
        ("share", "much", "x.share has to be a number from 0.5 to 2, not 'much'"),
        ("share", float("nan"), "not nan"),
        ("kind", "huge", "x.kind has to be one of small, big, not 'huge'"),
        ("more", "rtsp://me:SECRET@h", "x.more has to be a table, not a string"),
    ],
)
def test_an_error_names_the_key_and_the_valid_values(key: str, value: object, said: str) -> None:
    with pytest.raises(BadArgument) as error:
        read_settings(KNOWN, {key: value}, "x.")
    assert said in str(error.value)
