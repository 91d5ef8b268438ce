"""Secrets in values of the configuration: hidden in forms, and put back into their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, urlencode

from twistedcam.errors import BadArgument
from twistedcam.net.urls import without_secrets
from twistedcam.publishing.target import parse_target

#: The text in place of a secret.
HIDDEN = "***"


def mask_address(text: str) -> str:
    """Return a text; if it is an address, without user, password and keys."""
    return without_secrets(text) if "://" in text or "@" in text.partition(":")[2] else text


def mask_target(text: str) -> str:
    """Return the text of a publish target without its keys and its token."""
    try:
        target = parse_target(text)
    except BadArgument:
        return mask_address(text.partition("#")[0]) or HIDDEN
    settings = dict(parse_qsl(text.partition("#")[2], keep_blank_values=True))
    if "token" in settings:
        settings["token"] = HIDDEN
    return target.shown + (f"#{urlencode(settings, safe=':/,*')}" if settings else "")


def unmask(text: str, known: Iterable[str], mask: Callable[[str], str]) -> str:
    """Return a text from a form with the secrets that the form did not show.

    Arguments:
        known: the texts in the file, of which the form has shown one.
        mask: the function that hides their secrets.

    Raises:
        BadArgument: a secret is hidden, and the text is none that was shown.
    """
    if HIDDEN not in text:
        return text
    found = [each for each in known if mask(each) == text]
    if not found:
        raise BadArgument(f"write the user name, the password or the key in place of {HIDDEN}")
    return found[0]
