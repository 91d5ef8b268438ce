"""Escapes file names that are not UTF-8 or contain control characters.

The name of a file is bytes, and some names are not UTF-8. JSON, URLs, MQTT, logs and command lines
need text on one line. Each byte that is not UTF-8 or belongs to a control character is shown as
``%`` and two hexadecimal digits: ``b"caf\\xe9.mp4"`` is ``caf%E9.mp4``, ``b"two\\nlines"`` is
``two%0Alines``. Other names are shown unchanged, except those that look like an escaped name: in
them each ``%`` before two hexadecimal digits is shown as ``%25``. So two files never have the same
shown name.
"""

from __future__ import annotations

import re

#: Control characters: C0 (a file's name has no NUL), DEL, C1, and Unicode's ends of lines.
_CONTROLS = r"\x01-\x1f\x7f-\x9f\u2028\u2029"
#: Characters that a line of text cannot have. A byte that is not UTF-8 is a surrogate (PEP 383).
_UNSHOWABLE = re.compile(rf"[\ud800-\udfff{_CONTROLS}]")
#: Characters to escape: a byte that is not UTF-8, a control character, or an ambiguous %.
_ESCAPED = re.compile(rf"[\udc80-\udcff{_CONTROLS}]|%(?=[0-9A-Fa-f]{{2}})")
#: Characters of the longest name, 255 bytes, if each is escaped.
_MAX_LETTERS = 3 * 255
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def show_name(name: str) -> str:
    """Return the text for a file's name. ``file_name`` is the inverse.

    Arguments:
        name: as from Python's file functions, with surrogates for bytes that are not UTF-8.
    """
    if name.isascii() and name.isprintable() and "%" not in name:
        return name  # nearly all names
    return _escape(name) if _is_mistakable(name) else name


def file_name(shown: str) -> str:
    """Return the file's name, for Python's file functions, from a text of ``show_name``.

    Any other text is returned unchanged.
    """
    if "%" not in shown or len(shown) > _MAX_LETTERS:
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
    """True if the name needs escaping, or unescaping it repeatedly gives such a name."""
    while not _UNSHOWABLE.search(name):
        plain = _unescape(name)
        if plain == name:
            return False
        name = plain
    return True
