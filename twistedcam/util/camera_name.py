"""Names of cameras: which there can be, and the form that addresses and topics have."""

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

#: Characters of a word that may mean a camera: more than the URL-safe form of any name has.
_LONGEST_WORD = 2000

#: Characters that separate or quote something in addresses, in shells, or in file names.
_SEPARATORS = frozenset("/\\:?#&=%,;\"'`<>|")
#: Characters that count as printable and show nothing.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
#: Names that need no other form, and have always been possible: no further rule holds for them.
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
    """The name in Unicode's normal form NFC, if a camera can have it.

    Raises:
        BadArgument: it cannot. The message says what a name can have.
    """
    if _PLAIN.fullmatch(name):
        return name
    problem = _problem(name)
    if problem is None:
        name = unicodedata.normalize("NFC", name)
        problem = _problem(name)
    if problem is not None:
        shown = name if len(name) <= MAX_LENGTH else f"{name[:MAX_LENGTH]}…"
        raise BadArgument(f"{shown!r} is no name for a camera: {problem}. It can have {_RULE}")
    return name


def _problem(name: str) -> str | None:
    """Why a camera cannot have that name; None if it can."""
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
    """The title in normal form NFC, if a camera can be shown under it.

    Raises:
        BadArgument: it cannot.
    """
    if len(title) <= MAX_TITLE:
        title = unicodedata.normalize("NFC", title).strip()
    if not title or len(title) > MAX_TITLE or not title.isprintable() or _BLANK.issuperset(title):
        raise BadArgument(
            f"title={title[:MAX_TITLE]!r} will not do: it is one line of printable text, at most "
            f"{MAX_TITLE} characters"
        )
    return title


@lru_cache(maxsize=1024)
def url_safe(name: str) -> str:
    """The name with ``A`` to ``Z``, ``a`` to ``z``, digits, ``-``, ``_`` and ``.`` alone.

    A plain ASCII name stays as it is. Letters lose their accents (NFKD without marks), spaces
    and signs become ``-``. Where other letters are lost, a hash of the name takes their place:
    ``Küche`` → ``Kuche``, ``front door`` → ``front-door``, ``حديقة`` → ``camera-c6bd75e2``.

    The parts between dots are changed each for itself, so that a camera that user code makes has
    the name of the camera that it is made of: ``Küche.motion`` → ``Kuche.motion``.
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
    """What is written into pictures, by fonts that have ASCII letters alone.

    It is the title, or else the name, without accents; the URL-safe form of the name where letters
    would be missing.
    """
    text = title or name
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text.translate(_LATIN))
    text = "".join(each for each in apart if not unicodedata.category(each).startswith("M"))
    return text if text.isascii() else url_safe(name)


def find_name(names: Iterable[str], word: str) -> str | None:
    """Which of these cameras a word means: its name, or the URL-safe form of that; None if none.

    Arguments:
        names: the cameras' names, none of which is another's URL-safe form (check_distinct).
    """
    names = tuple(names)
    if word in names:
        return word
    if len(word) > _LONGEST_WORD:
        return None
    normal = unicodedata.normalize("NFC", word)
    return next((name for name in names if normal in (name, url_safe(name))), None)


def check_distinct(name: str, others: Iterable[str]) -> None:
    """See that a camera's name cannot be taken for another's, by people, addresses or file names.

    Two plain ASCII names that differ in upper and lower case have always been two cameras.

    Raises:
        BadArgument: it can.
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
    """The name as the beginning of a file's: spaces, and signs that shells expand, are ``_``."""
    return name if _PLAIN.fullmatch(name) else re.sub(r"[ +*~$!{}()\[\]^]", "_", name)
