"""Names of files that are not UTF-8 or have control characters, as text to send, show and type.

A file's name is bytes, and an old disk or another system's archive has some that are no UTF-8.
JSON, URLs, MQTT and logs take text alone; a line of a command cannot have a line feed in a word.
So each byte that is no UTF-8, or belongs to a control character, is shown as ``%`` and two
hexadecimal digits: ``b"caf\\xe9.mp4"`` is ``caf%E9.mp4``, ``b"two\\nlines"`` is ``two%0Alines``.
All other names are shown as they are, but for those that could be mistaken for one of these: in
them each ``%`` before two hexadecimal digits is shown as ``%25``. So no two files are shown by the
same name.
"""

from __future__ import annotations

import re

#: Control characters: C0 (a file's name has no NUL), DEL, C1, and Unicode's ends of lines.
_CONTROLS = r"\x01-\x1f\x7f-\x9f\u2028\u2029"
#: What no line of text has. A byte that is no UTF-8 is a surrogate here (PEP 383).
_UNSHOWABLE = re.compile(rf"[\ud800-\udfff{_CONTROLS}]")
#: What is escaped: a byte that is no UTF-8, a control character, or a % that could be one's.
_ESCAPED = re.compile(rf"[\udc80-\udcff{_CONTROLS}]|%(?=[0-9A-Fa-f]{{2}})")
#: Letters of the longest name, 255 bytes, when each is escaped.
_MOST_LETTERS = 3 * 255
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def show_name(name: str) -> str:
    """The text for a file's name. ``file_name`` makes the name of it again.

    Arguments:
        name: as Python's file functions give it, with surrogates for bytes that are no UTF-8.
    """
    if name.isascii() and name.isprintable() and "%" not in name:
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
        return "".join(f"%{byte:02X}" for byte in found.group().encode("utf-8", "surrogateescape"))

    return _ESCAPED.sub(escape, name)


def _unescape(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    data = _ESCAPE.sub(lambda found: bytes([int(found.group(1), 16)]), data)
    return data.decode("utf-8", "surrogateescape")


def _is_mistakable(name: str) -> bool:
    """Whether it cannot be shown as it is, or comes to that when it is unescaped, however often."""
    while not _UNSHOWABLE.search(name):
        plain = _unescape(name)
        if plain == name:
            return False
        name = plain
    return True
