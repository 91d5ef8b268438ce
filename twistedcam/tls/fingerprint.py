"""Fingerprints of certificates."""

from __future__ import annotations

import hashlib
import re

from twistedcam.errors import BadArgument


def fingerprint_of(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate.

    Arguments:
        certificate: in DER form.

    Returns: 64 hexadecimal digits, lower case.
    """
    return hashlib.sha256(certificate).hexdigest()


def read_fingerprint(text: str) -> str:
    """Parse a fingerprint, with or without colons, in upper or lower case.

    Raises:
        BadArgument: the text is not a fingerprint.
    """
    found = text.strip().lower().removeprefix("sha256:").replace(":", "")
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        raise BadArgument(f"{text!r} is not a fingerprint: SHA-256 has 64 hexadecimal digits")
    return found
