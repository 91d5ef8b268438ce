"""Makes foreign text safe for a terminal."""

from __future__ import annotations


def on_one_line(text: str) -> str:
    """Replace line ends, control characters and invisible characters by spaces."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else " "
