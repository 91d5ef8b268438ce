"""Each error has the code that the protocols send, and is found by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from twistedcam import errors
from twistedcam.errors import CommandError, TwistedcamError, error_from_code


def kinds(root: type[TwistedcamError] = TwistedcamError) -> Iterator[type[TwistedcamError]]:
    """All classes of errors."""
    yield root
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from kinds(each)


@pytest.mark.parametrize("kind", list(kinds(CommandError)))
def test_an_error_of_a_command_is_found_by_its_code(kind: type[CommandError]) -> None:
    found = error_from_code(kind.code, "why")
    assert isinstance(found, CommandError)
    assert (found.code, str(found)) == (kind.code, "why")


def test_an_unknown_code_keeps_its_text() -> None:
    assert str(error_from_code("from-the-future", "why")) == "from-the-future: why"


def test_codes_are_words_for_protocols() -> None:
    for kind in kinds():
        assert kind.code == kind.code.lower()
        assert kind.code.replace("-", "").isalpha()
