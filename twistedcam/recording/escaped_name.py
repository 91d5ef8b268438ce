"""Names of files that are not UTF-8, as text that can be sent, shown and typed.

A file's name is bytes, and an old disk or another system's archive has some that are no UTF-8.
JSON, URLs, MQTT and logs take text alone. So each byte that is no UTF-8 is shown as ``%`` and two
hexadecimal digits: ``b"caf\\xe9.mp4"`` is ``caf%E9.mp4``. All other names are shown as they are,
but for those that could be mistaken for one of these: in them each ``%`` before two hexadecimal
digits is shown as ``%25``. So no two files are shown by the same name.
"""

from __future__ import annotations

import re

#: A byte that is no UTF-8 (PEP 383), or a % that could be one's.
_ESCAPED = re.compile(r"[\udc80-\udcff]|%(?=[0-9A-Fa-f]{2})")
#: Letters of the longest name, 255 bytes, when each is escaped.
_MOST_LETTERS = 3 * 255
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def show_name(name: str) -> str:
    """The text for a file's name. ``file_name`` makes the name of it again.

    Arguments:
        name: as Python's file functions give it, with surrogates for what is no UTF-8.
    """
    if name.isascii() and "%" not in name:
        return name  # as nearly all are
    return _escape(name) if _is_mistakable(name) else name


def file_name(shown: str) -> str:
    """The file's name, as Python's file functions take it, of a text by ``show_name``.

    A text that ``show_name`` gives for no file is the name as it stands.
    """
    if "%" not in shown or len(shown) > _MOST_LETTERS:
        return shown
    name = _unescape(shown)
    return name if show_name(name) == shown else shown


def _escape(name: str) -> str:
    def escape(found: re.Match[str]) -> str:
        letter = found.group()
        return "%25" if letter == "%" else f"%{ord(letter) - 0xDC00:02X}"

    return _ESCAPED.sub(escape, name)


def _unescape(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    data = _ESCAPE.sub(lambda found: bytes([int(found.group(1), 16)]), data)
    return data.decode("utf-8", "surrogateescape")


def _is_mistakable(name: str) -> bool:
    """Whether it is no UTF-8, or comes to that when it is unescaped, however often."""
    while _is_text(name):
        plain = _unescape(name)
        if plain == name:
            return False
        name = plain
    return True


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)
