"""Formats of answers, events and errors, without control characters."""

from __future__ import annotations

from typing import Any

import pytest

from twistedcam.cli.colours import Styler
from twistedcam.cli.console import Console
from twistedcam.errors import CommandError

NASTY = "\x1b]0;title\x07\nsecond\x9b2J"


@pytest.mark.parametrize(
    "fields",
    [{NASTY: NASTY}, {"help": NASTY}, {"commands": [{"command": NASTY, "summary": NASTY}]}],
)
def test_each_line_of_an_answer_is_printable(fields: dict[str, Any]) -> None:
    assert all(line.isprintable() for line in Styler().answer(fields))


def test_an_event_is_one_line() -> None:
    assert Styler().event({"event": NASTY, NASTY: NASTY}).isprintable()


class Refusing:
    """A connection on which every command fails."""

    def has_ended(self) -> bool:
        return False

    def ask(self, *words: str) -> None:
        raise CommandError(NASTY)


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console("tcp:localhost:1")
    console._client = Refusing()  # type: ignore[assignment]
    assert console.run(["start"]) == 1
    assert capsys.readouterr().err.removesuffix("\n").isprintable()
