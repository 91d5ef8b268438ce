"""The proxy forwards requests of FFmpeg's WHIP muxer, and reports refusals."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.ports import free_port
from tests.support.process import PATIENCE
from tests.support.publish_peers import LOCAL, WebServer
from twistedcam.publishing.sender.whip_proxy import WhipProxy
from twistedcam.tls.certificate import CERTIFICATE, make_certificate

OFFER = {"Authorization": "Bearer T0K3N", "Content-Type": "application/sdp", "Host": "x"}


class Proxy(WhipProxy):
    """A proxy whose program ends with the context."""

    def __init__(self, url: str, verify: bool = True, ca: str = "") -> None:
        super().__init__({"url": url, "muxer": "whip", "options": {}, "verify": verify, "ca": ca})

    def ask(self, method: str, path: str = "", body: bytes = b"") -> tuple[int, str, bytes]:
        """Send a request as FFmpeg does; return status, Location and body of the answer."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(LOCAL, parts.port or 0, timeout=PATIENCE)
        try:
            connection.request(method, path or parts.path, body, OFFER)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location", ""), answer.read()
        finally:
            connection.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        rest, _ = self._process.communicate(timeout=PATIENCE)
        assert (self._process.returncode, rest) == (0, b"")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def test_an_offer_is_forwarded_and_its_answer_returned(web: WebServer) -> None:
    web.reply = lambda asked: (201, {})
    with Proxy(f"{web.url}/whip/door?key=1") as proxy:
        assert proxy.ask("POST", body=b"v=0") == (201, "", b"ok")
        proxy.check()
    (offer,) = web.taken
    assert (offer.method, offer.path, offer.body) == ("POST", "/whip/door?key=1", "v=0")
    assert (offer.type, offer.authorization) == ("application/sdp", "Bearer T0K3N")


def test_a_resource_is_deleted_where_the_answer_said_it_is(web: WebServer) -> None:
    with WebServer() as other:
        places = {"/here": "/whip/1", "/there": f"{other.url}/whip/2", "/moved": "/here"}
        web.reply = lambda asked: (
            307 if asked.path == "/moved" else 201,
            {"Location": places[asked.path]} if asked.path in places else {},
        )
        for path in ("here", "there"):
            with Proxy(f"{web.url}/{path}") as proxy:
                _, location, _ = proxy.ask("POST", body=b"v=0")
                assert location.startswith("/")
                assert proxy.ask("DELETE", location)[0] < 300
        with Proxy(f"{web.url}/moved") as proxy:
            status, location, _ = proxy.ask("POST", body=b"v=0")
            assert status == 307
            assert proxy.ask("POST", location, b"v=0")[0] == 201
        asked = [(each.method, each.path) for each in web.taken]
        assert asked[:3] == [("POST", "/here"), ("DELETE", "/whip/1"), ("POST", "/there")]
        assert asked[3:] == [("POST", "/moved"), ("POST", "/here")]
        (gone,) = other.taken
        assert (gone.method, gone.path) == ("DELETE", "/whip/2")


def test_who_does_not_know_the_address_gets_nothing(web: WebServer) -> None:
    with Proxy(f"{web.url}/whip/door") as proxy:
        for path in ("/", "/whip/door"):
            assert proxy.ask("POST", path, b"v=0")[0] == 404
    assert web.begun == []


def test_a_refusal_is_reported_and_forwarded(web: WebServer) -> None:
    with Proxy(f"{web.url}/whip/door") as proxy:
        assert proxy.ask("POST", body=b"v=0")[0] == 403
        with pytest.raises(OSError, match=r"^POST: 403 Forbidden$"):
            proxy.check()
        web.reply = lambda asked: (404, {})
        assert proxy.ask("DELETE")[0] == 404
        proxy.check()


def test_a_web_server_that_is_not_there_is_said() -> None:
    with Proxy(f"http://{LOCAL}:{free_port()}/whip") as proxy:
        assert proxy.ask("POST", body=b"v=0")[0] == 502
        with pytest.raises(OSError, match=r"^Connection refused$"):
            proxy.check()


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    make_certificate(tmp_path, [LOCAL], datetime.now(UTC))
    with WebServer(tmp_path) as web:
        web.reply = lambda asked: (201, {})
        with Proxy(web.url) as proxy:
            assert proxy.ask("POST", body=b"v=0")[0] == 502
            with pytest.raises(OSError, match=r"certificate is not trusted \(self"):
                proxy.check()
        with Proxy(web.url, ca=str(tmp_path / CERTIFICATE)) as proxy:
            assert proxy.ask("POST", body=b"v=0")[0] == 201
        assert len(web.taken) == 1


def test_a_proxy_that_cannot_start_says_why() -> None:
    with pytest.raises(OSError, match="cannot read certificates from /nowhere"):
        Proxy(f"https://{LOCAL}/whip", ca="/nowhere/ca.pem")
