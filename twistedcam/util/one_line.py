"""Text of somebody else's on a terminal of ours."""

from __future__ import annotations


def on_one_line(text: str) -> str:
    """The text with a blank for each letter that ends a line, steers a terminal, or hides."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else " "
