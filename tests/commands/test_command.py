"""Parameters of commands from the parameters of functions, with any annotations."""

# Without "from __future__ import annotations": as in a program that has real annotations.

import functools
import typing
from collections.abc import Callable
from typing import Any

import pytest

from twistedcam.commands.command import Parameter, parameters_of

if typing.TYPE_CHECKING:
    from decimal import Decimal

Flag = bool
Words = list[str]


def real(server: Any, word: str, rest: list[str], *, fast: bool = False, at: str = "") -> None:
    """Real annotations."""


def text(
    server: "Any", word: "str", rest: "list[str]", *, fast: "bool" = False, at: "str" = ""
) -> None:
    """Annotations as text."""


def named(
    server: Any, word: str, rest: "Words", *, fast: "Flag" = False, at: "str | None" = None
) -> None:
    """Other names for the types."""


def generic(server: Any, word, rest: typing.List[str], *, fast: Flag = False, at="") -> None:  # type: ignore[no-untyped-def]  # noqa: UP006
    """Older generic types, and none at all."""


def unknown(
    server: "Decimal", word: "Decimal", rest: "list[str]", *, fast: "bool" = False, at: "Decimal"
) -> None:
    """A name that only type checkers import."""


@functools.wraps(text)
def wrapped(*arguments: Any, **named: Any) -> None:
    """A decorated function."""


@pytest.mark.parametrize("call", [real, text, named, generic, unknown, wrapped])
def test_the_kind_of_a_parameter_follows_from_its_type(call: Callable[..., Any]) -> None:
    assert parameters_of(call) == (
        Parameter("word", True),
        Parameter("rest", True, kind="rest"),
        Parameter("fast", False, kind="switch"),
        Parameter("at", False, kind="option"),
    )


def test_a_callable_object_is_a_command_too() -> None:
    assert parameters_of(functools.partial(real, at="now"))[0] == Parameter("word", True)
