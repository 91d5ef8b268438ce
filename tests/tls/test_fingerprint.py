"""Fingerprints are read in every form in which people write them."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument
from twistedcam.tls.fingerprint import read_fingerprint


def test_a_fingerprint_is_read_as_people_write_it() -> None:
    digits = "0f" * 32
    assert read_fingerprint("0F:" * 31 + "0F") == digits
    assert read_fingerprint(f" SHA256:{digits}") == digits
    for text in ("", "0f", digits + "0", "x" * 64):
        with pytest.raises(BadArgument):
            read_fingerprint(text)
