"""Names of cameras: valid names, and their forms in URLs, topics, files and pictures."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from twistedcam.errors import BadArgument

#: Most characters of a name, and most bytes in UTF-8: a recording's file name begins with it.
MAX_LENGTH = 64
MAX_BYTES = 120
#: Most characters of a title.
MAX_TITLE = 100

#: Most characters of a word that can name a camera: more than any URL-safe form has.
_LONGEST_WORD = 2000

#: Characters that separate or quote something in addresses, in shells, or in file names.
_SEPARATORS = frozenset("/\\:?#&=%,;\"'`<>|")
#: Characters that are printable by definition, but invisible.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
#: Plain names: valid without other checks, and the same in every form.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
#: Latin letters that NFKD does not take apart.
_LATIN = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "TH",
        "ħ": "h",
        "Ħ": "H",
        "ı": "i",
    }
)
_RULE = (
    "letters of any script, digits, spaces between words, and signs such as '-', '_', '.' and '+', "
    f"{MAX_LENGTH} at most"
)


def check_name(name: str) -> str:
    """Return a camera's name in Unicode's normal form NFC.

    Raises:
        BadArgument: the name is not valid. The message says what a name can contain.
    """
    if _PLAIN.fullmatch(name):
        return name
    problem = _problem(name)
    if problem is None:
        name = unicodedata.normalize("NFC", name)
        problem = _problem(name)
    if problem is not None:
        shown = name if len(name) <= MAX_LENGTH else f"{name[:MAX_LENGTH]}…"
        raise BadArgument(
            f"{shown!r} is not a valid name for a camera: {problem}. A name can have {_RULE}"
        )
    return name


def _problem(name: str) -> str | None:
    """Return the reason why a name is not valid, or None."""
    if not name:
        return "it is empty"
    if len(name) > MAX_LENGTH:
        return f"it has {len(name)} characters"
    found = next((each for each in name if each in _SEPARATORS), None)
    if found is not None:
        return f"{found!r} means something else in addresses, commands or file names"
    if not name.isprintable() or not _BLANK.isdisjoint(name):
        return "it has invisible characters, or spaces of an unusual kind"
    if name[0] in " .-" or name[-1] in " .-":
        return "it begins or ends with a space, a dot or a dash"
    if "  " in name:
        return "it has two spaces in a row"
    if unicodedata.category(name[0]).startswith("M"):
        return "it begins with a mark that belongs to the character before it"
    if len(name.encode()) > MAX_BYTES:
        return f"it has more than {MAX_BYTES} bytes in UTF-8"
    return None


def check_title(title: str) -> str:
    """Return a camera's title in normal form NFC.

    Raises:
        BadArgument: the title is not valid.
    """
    if len(title) <= MAX_TITLE:
        title = unicodedata.normalize("NFC", title).strip()
    if not title or len(title) > MAX_TITLE or not title.isprintable() or _BLANK.issuperset(title):
        raise BadArgument(
            f"title={title[:MAX_TITLE]!r} is not valid: a title is one line of printable text, "
            f"at most {MAX_TITLE} characters"
        )
    return title


@lru_cache(maxsize=1024)
def url_safe(name: str) -> str:
    """Return the URL-safe form of a name: ASCII letters, digits, ``-``, ``_`` and ``.``.

    A plain ASCII name is not changed. Letters lose their accents (NFKD without marks); spaces
    and signs become ``-``. Other letters are replaced by a hash of the name:
    ``Küche`` → ``Kuche``, ``front door`` → ``front-door``, ``حديقة`` → ``camera-c6bd75e2``.

    Each part between dots is converted separately, so that a camera made by user code keeps the
    name of its source camera: ``Küche.motion`` → ``Kuche.motion``.
    """
    if _PLAIN.fullmatch(name):
        return name
    parts = map(_url_safe_part, unicodedata.normalize("NFC", name).split("."))
    return ".".join(part for part in parts if part) or "camera"


def _url_safe_part(part: str) -> str:
    found, is_lost = [], False
    for letter in unicodedata.normalize("NFKD", part.translate(_LATIN)):
        kind = unicodedata.category(letter)[0]
        if letter.isascii() and (letter.isalnum() or letter == "_"):
            found.append(letter)
        elif letter.isascii() or kind in "PZ":
            found.append("-")
        elif kind != "M":
            is_lost = True
    text = re.sub("-+", "-", "".join(found)).strip("-")
    if part and (is_lost or not text or len(text) > MAX_LENGTH):
        # Without regard to case: two names that differ in it alone are one (check_distinct).
        digest = hashlib.sha256(part.casefold().encode(errors="surrogatepass")).hexdigest()[:8]
        text = f"{text[:32].strip('-') or 'camera'}-{digest}"
    return text


def ascii_title(name: str, title: str | None = None) -> str:
    """Return the text to draw into pictures with fonts that have only ASCII letters.

    This is the title or the name without accents, or the URL-safe form of the name if letters
    would be lost.
    """
    text = title or name
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text.translate(_LATIN))
    text = "".join(each for each in apart if not unicodedata.category(each).startswith("M"))
    return text if text.isascii() else url_safe(name)


def find_name(names: Iterable[str], word: str) -> str | None:
    """Return the camera that a word names, by its name or its URL-safe form, or None.

    Arguments:
        names: names of cameras. None is the URL-safe form of another (check_distinct).
    """
    names = tuple(names)
    if word in names:
        return word
    if len(word) > _LONGEST_WORD:
        return None
    normal = unicodedata.normalize("NFC", word)
    return next((name for name in names if normal in (name, url_safe(name))), None)


def check_distinct(name: str, others: Iterable[str]) -> None:
    """Check that a name cannot be confused with another in URLs or file names.

    Two plain ASCII names that differ only in case are two cameras.

    Raises:
        BadArgument: two names have the same form.
    """
    for other in others:
        if _PLAIN.fullmatch(name) and _PLAIN.fullmatch(other):
            continue
        for form, where in ((url_safe, "addresses"), (file_stem, "names of files")):
            if other != name and form(other).casefold() == form(name).casefold():
                raise BadArgument(
                    f"the cameras {other!r} and {name!r} would both be {form(name)!r} in {where}: "
                    "give one of them another name"
                )


def file_stem(name: str) -> str:
    """Return the name for the start of a file name: spaces and shell characters become ``_``."""
    return name if _PLAIN.fullmatch(name) else re.sub(r"[ +*~$!{}()\[\]^]", "_", name)
