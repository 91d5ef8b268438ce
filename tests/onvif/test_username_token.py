"""WS-UsernameToken: the digest of the specification, the clock, and repeated logins."""

from __future__ import annotations

import base64
import hashlib

import pytest

from twistedcam.onvif.soap import envelope, parse_message, security_of
from twistedcam.onvif.username_token import (
    MAX_DIFFERENCE,
    UsedNonces,
    UsernameToken,
    security_header,
)
from twistedcam.onvif.xml import element, parse_xml

#: 2010-09-16T07:50:45Z: the example in the Application Programmer's Guide of ONVIF (6.1.1.3).
EXAMPLE_TIME = 1284623445.0
EXAMPLE = UsernameToken(
    "user",
    "tuOSpGlFlIXsozq4HFNeeGeFLEI=",
    True,
    base64.b64decode("LKqI6G/AikKCQrN0zqZFlg=="),
    "2010-09-16T07:50:45Z",
)


def test_the_example_of_onvif_is_right() -> None:
    assert EXAMPLE.matches("userpassword")
    assert not EXAMPLE.matches("Userpassword")


def test_what_a_client_sends_is_read_and_matches() -> None:
    message = parse_message(envelope(element("tds:X"), security_header("u", "sécret", 1.5e9)))
    found = security_of(message)
    assert found is not None
    token = UsernameToken.of(found)
    assert (token.user, token.is_digest, len(token.nonce)) == ("u", True, 16)
    expected = hashlib.sha1(token.nonce + token.created.encode() + "sécret".encode()).digest()
    assert token.password == base64.b64encode(expected).decode()
    assert token.matches("sécret")
    assert token.is_timely(1.5e9)


def test_a_password_without_a_digest_is_compared_as_it_is() -> None:
    token = UsernameToken.of(
        parse_xml(b"<t><Username>u</Username><Password Type='x#PasswordText'>p</Password></t>")
    )
    assert (token.is_digest, token.matches("p"), token.matches("q")) == (False, True, False)


def test_a_nonce_that_is_not_base64_is_an_error() -> None:
    with pytest.raises(ValueError, match="not Base64"):
        UsernameToken.of(parse_xml(b"<t><Nonce>!</Nonce></t>"))


@pytest.mark.parametrize(
    ("created", "is_timely"),
    [
        ("2010-09-16T07:50:45Z", True),
        ("2010-09-16T07:50:45.123456Z", True),
        ("2010-09-16T09:50:45+02:00", True),
        ("2010-09-16T07:50:45", True),
        ("2010-09-16T07:44:00Z", False),
        ("2010-09-16T07:57:00Z", False),
        ("", False),
        ("0000-99-99T00:00:00Z", False),
    ],
)
def test_a_login_is_valid_for_a_few_minutes(created: str, is_timely: bool) -> None:
    assert UsernameToken("u", "p", True, b"", created).is_timely(EXAMPLE_TIME) == is_timely


def test_a_login_of_another_client_is_known_as_repeated() -> None:
    nonces = UsedNonces()
    assert not nonces.is_repeated(EXAMPLE, "10.0.0.1", 0.0)
    assert not nonces.is_repeated(EXAMPLE, "10.0.0.1", 1.0)
    assert nonces.is_repeated(EXAMPLE, "10.0.0.2", 2.0)
    assert not nonces.is_repeated(EXAMPLE, "10.0.0.2", 3 * MAX_DIFFERENCE)


def test_the_memory_for_nonces_is_limited() -> None:
    nonces = UsedNonces()
    for number in range(6000):
        token = UsernameToken("u", "p", True, number.to_bytes(4, "big"), "x")
        nonces.is_repeated(token, "10.0.0.1", 0.0)
    assert len(nonces._seen) < 4200
