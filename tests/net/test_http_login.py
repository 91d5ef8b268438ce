"""Log-in to a camera: the strongest scheme that both know, and a refusal that is said as one."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

import pytest

from tests.support.http_camera import PICTURES, HttpCamera, Request, head, opened, read, whole
from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.net.http_login import Challenge, Login, digest, parse_challenges

USER, PASSWORD = "görg", 'p@ss:"wört"'
LOGIN = "g%C3%B6rg:p%40ss%3A%22w%C3%B6rt%22@"
MD5 = 'Digest realm="cam", nonce="{nonce}", qop="auth"'


def basic(user: str = USER, password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def fields_of(header: str) -> dict[str, str]:
    found = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))', header.partition(" ")[2])
    return {name: re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in found}


def is_right(request: Request, algorithm: str, nonce: str) -> bool:
    """Whether a digest is right, reckoned as RFC 7616 says."""
    given = fields_of(request.authorization)
    if given.get("nonce") != nonce or given["uri"] != request.target:
        return False
    names = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "SHA": "sha1", "SHA-512": "sha512"}
    name = names.get(algorithm.removesuffix("-sess"), "md5")

    def h(text: str) -> str:
        return hashlib.new(name, text.encode()).hexdigest()

    first = h(f"{USER}:{given['realm']}:{PASSWORD}")
    if algorithm.endswith("-sess"):
        first = h(f"{first}:{nonce}:{given['cnonce']}")
    second = f"GET:{given['uri']}"
    if given.get("qop") == "auth-int":
        second += ":" + h("")
    middle = [nonce]
    if "qop" in given:
        middle += [given["nc"], given["cnonce"], given["qop"]]
    return given["response"] == h(":".join([first, *middle, h(second)])) and given["username"] in (
        USER,
        h(f"{USER}:{given['realm']}"),
    )


CHALLENGES: dict[str, tuple[list[str], str]] = {
    "basic": (['Basic realm="cam"'], "Basic"),
    "no challenge at all": ([], "Basic"),
    "basic, in lower case": (["basic realm=cam"], "Basic"),
    "digest as of 1997": (['Digest realm="cam", nonce="{nonce}"'], "MD5"),
    "digest": ([MD5], "MD5"),
    "digest, oddly written": (["Digest  realm = cam ,nonce={nonce},qop=auth,algorithm=md5"], "MD5"),
    "two headers": (['Basic realm="cam"', MD5], "MD5"),
    "one header with both": (['Basic realm="a, b", ' + MD5], "MD5"),
    "an unknown scheme first": (["Negotiate", "NTLM TlRMTVNTUAACAAAA==", "Bearer x=1", MD5], "MD5"),
    "an unknown scheme in one header": (['Negotiate, NTLM, Basic realm="cam"'], "Basic"),
    "an unknown algorithm": (
        [MD5.replace("qop", "algorithm=MD9, qop"), 'Basic realm="x"'],
        "Basic",
    ),
    "newer beside older": ([MD5, MD5 + ", algorithm=SHA-256", 'Basic realm="x"'], "SHA-256"),
    "the newest": (
        [MD5, MD5 + ", algorithm=SHA-512-256", MD5 + ", algorithm=SHA-256"],
        "SHA-512-256",
    ),
    "SHA-256-sess": ([MD5 + ", algorithm=SHA-256-sess"], "SHA-256-sess"),
    "MD5-sess": ([MD5 + ', algorithm="MD5-sess"'], "MD5-sess"),
    "MD5-sess as of 1999": (['Digest realm="c", nonce="{nonce}", algorithm=MD5-sess'], "MD5-sess"),
    "SHA": ([MD5 + ", algorithm=SHA"], "SHA"),
    "SHA-512": ([MD5 + ", algorithm=SHA-512"], "SHA-512"),
    "either quality": ([MD5.replace('"auth"', '"auth,auth-int"')], "MD5"),
    "either, the other way": ([MD5.replace('"auth"', '"auth-int, auth"')], "MD5"),
    "auth-int alone": ([MD5.replace('"auth"', '"auth-int"')], "MD5"),
    "opaque": ([MD5 + r', opaque="a\"b", domain="/", stale="FALSE"'], "MD5"),
    "a user's hash": ([MD5 + ", algorithm=SHA-256, userhash=true, charset=UTF-8"], "SHA-256"),
    "a realm with quotation marks": ([MD5.replace('"cam"', r'"the \"cam\", here"')], "MD5"),
}


@pytest.mark.parametrize("name", CHALLENGES)
def test_every_kind_of_challenge_is_answered(name: str) -> None:
    challenges, scheme = CHALLENGES[name]

    def answer(request: Request) -> Iterable[bytes]:
        right = basic() == request.authorization if scheme == "Basic" else False
        if scheme != "Basic" and request.authorization.startswith("Digest "):
            right = is_right(request, scheme, "n0nce")
        if right:
            return [whole(PICTURES[0])]
        lines = [f"WWW-Authenticate: {each.replace('{nonce}', 'n0nce')}" for each in challenges]
        return [head(*lines, "Content-Length: 4", status="401 Unauthorized") + b"no!\n"]

    with HttpCamera(answer) as camera:
        with opened(f"{camera.url('/snap.cgi?a=1&b=c%20d', LOGIN)}#fps=50") as source:
            for _ in range(3):
                assert read(source).jpeg == PICTURES[0]
        refused = [each for each in camera.requests if not each.authorization]
        assert (len(camera.requests), len(refused)) == (4, 1)  # it is not asked for each time
        if scheme != "Basic" and "qop" in "".join(challenges):
            counts = [fields_of(each.authorization)["nc"] for each in camera.requests[1:]]
            assert counts == ["00000001", "00000002", "00000003"]


@pytest.mark.parametrize("says_stale", [True, False])
def test_a_nonce_that_is_too_old_is_replaced(says_stale: bool) -> None:
    answers = 0

    def answer(request: Request) -> Iterable[bytes]:
        nonlocal answers
        nonce = f"n{answers // 2}"  # good for two pictures
        if request.authorization and is_right(request, "MD5", nonce):
            answers += 1
            return [whole(PICTURES[0])]
        line = MD5.replace("{nonce}", nonce) + (", stale=true" if says_stale and answers else "")
        return [head(f"WWW-Authenticate: {line}", "Content-Length: 0", status="401 Unauthorized")]

    with HttpCamera(answer) as camera, opened(f"{camera.url('/', LOGIN)}#fps=50") as source:
        assert [read(source).jpeg for _ in range(6)] == [PICTURES[0]] * 6


@pytest.mark.parametrize(
    ("status", "challenge", "requests"),
    [
        ("401 Unauthorized", MD5.replace("{nonce}", "a"), 2),
        ("401 Unauthorized", 'Basic realm="x"', 2),
        ("401 Unauthorized", 'Digest realm="x", nonce="a", stale=true', 8),
        ("401 Unauthorized", "Negotiate", 1),
        ("403 Forbidden", 'Basic realm="x"', 1),
    ],
)
def test_a_wrong_password_is_said_as_that_and_is_never_shown(
    status: str, challenge: str, requests: int
) -> None:
    refusal = head(f"WWW-Authenticate: {challenge}", "Content-Length: 0", status=status)
    with HttpCamera(lambda _: [refusal]) as camera:
        with pytest.raises(CameraFailed) as error, opened(camera.url("/", "me:s3cret@")):
            pass
        assert len(camera.requests) == requests
    said = str(error.value)
    assert "s3cret" not in said
    if "stale" not in challenge:
        assert isinstance(error.value, LoginRefused)
        assert said.startswith(
            "The camera refuses this user name or password: change them in the camera's address"
        )


def test_a_camera_that_wants_a_password_says_where_to_write_it() -> None:
    refusal = head('WWW-Authenticate: Basic realm="x"', "Content-Length: 0", status="401 No")
    with (
        HttpCamera(lambda _: [refusal]) as camera,
        pytest.raises(LoginRefused, match=r"needs a user name and a password.*USER:PASSWORD@"),
        opened(camera.url()),
    ):
        pass


def test_the_example_of_the_standard_gives_the_standard_s_answer() -> None:
    challenge = 'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, '
    challenge += 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    challenge += 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    for algorithm, response in (  # RFC 7616, 3.9.1
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        (parsed,) = parse_challenges([challenge % algorithm])
        cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
        answer = digest(parsed, "GET", "/dir/index.html", "Mufasa", "Circle of Life", cnonce, 1)
        assert fields_of(answer)["response"] == response


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        (",,", []),
        ("Basic", [Challenge("basic")]),
        ('Digest nonce="a,b" , realm=c', [Challenge("digest", {"nonce": "a,b", "realm": "c"})]),
        (
            "NTLM abc==, Basic realm=x",
            [Challenge("ntlm", {"abc": "="}), Challenge("basic", {"realm": "x"})],
        ),
        ('Digest realm="open', [Challenge("digest", {"realm": '"open'})]),
        ("realm=x", []),
    ],
)
def test_challenges_are_taken_apart(header: str, found: list[Challenge]) -> None:
    assert parse_challenges([header]) == found


def test_without_a_password_nothing_is_answered() -> None:
    login = Login(None, None)
    assert not login.challenged(['Basic realm="x"'])
    assert login.header("GET", "/") is None


def test_a_session_cookie_opens_from_then_on() -> None:
    """As cameras do that send a cookie with the refusal, or with a redirect after the log-in."""

    def answer(request: Request) -> Iterable[bytes]:
        cookie = request.headers.get("cookie", "")
        if "session=1" not in cookie:
            lines = ['WWW-Authenticate: Basic realm="x"', "Set-Cookie: session=1; Path=/; HttpOnly"]
            return [head(*lines, "Content-Length: 0", status="401 No")]
        if request.authorization != basic():
            return [head('WWW-Authenticate: Basic realm="x"', "Content-Length: 0", status="401 No")]
        if request.target == "/":
            lines = ["Location: /snap", "Set-Cookie: step=2", "Content-Length: 0"]
            return [head(*lines, status="302 Found")]
        assert "step=2" in cookie
        return [whole(PICTURES[0])]

    with HttpCamera(answer) as camera, opened(f"{camera.url('/', LOGIN)}#fps=50") as source:
        assert [read(source).jpeg for _ in range(2)] == [PICTURES[0]] * 2
