"""Messages of child processes are found in pieces of any size."""

from __future__ import annotations

import pytest

from twistedcam.runtime.child_messages import ChildMessages, child_message

ALL = [(1, b""), (255, b"body"), (2, bytes(100))]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_messages_are_found_in_pieces_of_any_size(size: int) -> None:
    data = b"".join(child_message(*each) for each in ALL)
    messages = ChildMessages(100)
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert [each for piece in pieces for each in messages.feed(piece)] == ALL


def test_a_body_that_is_too_long_is_an_error_before_it_has_come() -> None:
    messages = ChildMessages(100)
    data = child_message(1, b"a") + child_message(2, bytes(101))[:5]
    found = messages.feed(data)
    assert next(found) == (1, b"a")
    with pytest.raises(ValueError, match="a message of 101 bytes"):
        next(found)
