"""Authentication: what the client answers is what the server takes, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.net.http_login import Login
from twistedcam.rtsp.digest import NONCE_SECONDS, Challenger, parse_credentials

_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


class Now:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def answer(user: str, password: str, challenges: list[str]) -> str:
    login = Login(user, password)
    assert login.challenged(challenges)
    header = login.header("DESCRIBE", "rtsp://h/cam")
    assert header is not None
    return header


@pytest.mark.parametrize(
    ("schemes", "said"),
    [
        (("SHA-256", "MD5", "Basic"), "algorithm=SHA-256"),
        (("Basic", "MD5"), "Digest username"),
        (("Basic",), "Basic "),
    ],
)
@given(user=_TEXTS.filter(lambda name: ":" not in name), password=_TEXTS)
def test_the_strongest_scheme_is_answered_and_only_the_right_password_taken(
    schemes: tuple[str, ...], said: str, user: str, password: str
) -> None:
    challenger = Challenger("cam", Now(), schemes)
    header = answer(user, password, challenger.challenges())
    assert said in header
    found = parse_credentials(header)
    assert found is not None
    assert found.user == user
    assert challenger.is_ours(found)
    assert not challenger.is_stale(found)
    assert found.match(password, "DESCRIBE")
    assert not found.match(password + "x", "DESCRIBE")
    if found.password is None:
        assert not found.match(password, "SETUP")


def test_a_digest_is_that_of_the_rfc() -> None:
    # RFC 7616, 3.9.1
    common = (
        'username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, qop=auth, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", '
    )
    md5 = 'algorithm=MD5, response="8ca523f5e9506fed4657c9700eebdbec"'
    sha = (
        "algorithm=SHA-256, "
        'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"'
    )
    for words in (md5, sha):
        found = parse_credentials(f"Digest {common}{words}")
        assert found is not None
        assert found.match("Circle of Life", "GET")
        assert not found.match("Circle of life", "GET")


def test_an_old_nonce_is_stale_and_one_of_others_is_refused() -> None:
    now = Now()
    challenger = Challenger("cam", now)
    found = parse_credentials(answer("me", "it", challenger.challenges()))
    assert found is not None
    now.time += NONCE_SECONDS + 1
    assert challenger.is_ours(found)
    assert challenger.is_stale(found)
    assert "stale=true" in challenger.challenges(stale=True)[0]
    assert not Challenger("cam", now).is_ours(found)
    assert not Challenger("other", now).is_ours(found)


@pytest.mark.parametrize(
    "header",
    ["", "Basic ???", "Basic YWJj", "Bearer x", 'Digest username="a"', "Digest", "Basic /w=="],
)
def test_broken_headers_are_none(header: str) -> None:
    assert parse_credentials(header) is None


def test_unknown_algorithms_are_refused() -> None:
    words = 'username="a", realm="cam", nonce="n", uri="u", response="r"'
    for more in ("algorithm=ROT13", "qop=auth-int"):
        found = parse_credentials(f"Digest {words}, {more}")
        assert found is not None
        assert not found.match("p", "PLAY")
        assert not Challenger("cam", Now()).is_ours(found)
    session = parse_credentials(f"Digest {words}, algorithm=MD5-sess")
    assert session is not None
    assert not session.match("p", "PLAY")
