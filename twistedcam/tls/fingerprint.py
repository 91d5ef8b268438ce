"""A certificate in a form that a person can compare."""

from __future__ import annotations

import hashlib
import re

from twistedcam.errors import BadArgument


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a certificate.

    Arguments:
        certificate: in DER.

    Returns: 64 hexadecimal digits, lower case.
    """
    return hashlib.sha256(certificate).hexdigest()


def read_fingerprint(text: str) -> str:
    """A fingerprint as a person gave it: with colons or without, in either case.

    Raises:
        BadArgument: it is none.
    """
    found = text.strip().lower().removeprefix("sha256:").replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        raise BadArgument(f"{text!r} is no fingerprint: SHA-256 has 64 hexadecimal digits")
    return found
