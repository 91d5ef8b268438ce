"""Requests have the right headers, check certificates, and report failures."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.process import PATIENCE
from tests.support.publish_peers import LOCAL, WebServer
from twistedcam.publishing.sender import http_client
from twistedcam.publishing.sender.http_client import TargetClient
from twistedcam.tls.certificate import CERTIFICATE, make_certificate

MakeClient = Callable[..., TargetClient]


@pytest.fixture
def client() -> Iterator[MakeClient]:
    """Makes clients for an address."""
    made = []

    def make(url: str, verify: bool = True, ca: str = "") -> TargetClient:
        made.append(
            TargetClient({"url": url, "muxer": "", "options": {}, "verify": verify, "ca": ca})
        )
        return made[-1]

    yield make
    for each in made:
        each._session.close()


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def test_requests_carry_name_and_password_on_one_connection(
    client: MakeClient, web: WebServer
) -> None:
    there = client(f"http://door:k%40y@{LOCAL}:{web.port}/live/?key=1")
    assert there.url == f"{web.url}/live/?key=1"
    answer = there.request("PUT", f"{web.url}/live/a.ts?key=1", b"segment")
    assert (answer.status_code, answer.content) == (201, b"ok")
    there.request("DELETE", f"{web.url}/live/b.ts")
    first, second = web.taken
    assert (first.method, first.path, first.body) == ("PUT", "/live/a.ts?key=1", "segment")
    assert (second.method, second.path, second.body) == ("DELETE", "/live/b.ts", "")
    assert first.authorization == second.authorization == "Basic ZG9vcjprQHk="
    assert first.connection == second.connection


def test_a_connection_that_the_server_has_closed_is_replaced(
    client: MakeClient, web: WebServer
) -> None:
    there = client(web.url)
    web.closing = {"/last"}
    for path in ("/last", "/last", "/after"):
        assert there.request("PUT", web.url + path).status_code == 201
    assert [each.path for each in web.taken] == ["/last", "/last", "/after"]


def test_a_server_that_closes_every_connection_is_tried_once_more(client: MakeClient) -> None:
    with socket.create_server((LOCAL, 0)) as listening:
        url = f"http://{LOCAL}:{listening.getsockname()[1]}/"
        there = client(url)
        listening.settimeout(PATIENCE)
        accepted: list[int] = []

        def hang_up() -> None:
            for _ in range(2):
                connection, _ = listening.accept()
                connection.recv(4096)
                connection.close()
                accepted.append(1)

        thread = started(hang_up)
        with pytest.raises(OSError, match=r"without response|reset"):
            there.request("PUT", url)
        thread.join()
        assert len(accepted) == 2


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_credentials_are_sent_to_no_other_server(client: MakeClient, web: WebServer) -> None:
    with WebServer() as other:
        there = client(f"http://door:key@{LOCAL}:{web.port}/live/")
        there.request("PUT", f"{other.url}/live/a.ts")
        assert [each.authorization for each in other.taken] == [""]


def test_a_token_takes_the_place_of_a_password(client: MakeClient, web: WebServer) -> None:
    there = client(f"http://door:key@{LOCAL}:{web.port}/live/")
    there.request("POST", there.url, b"v=0", {"Authorization": "Bearer T0K3N"})
    assert [each.authorization for each in web.taken] == ["Bearer T0K3N"]


def test_neither_redirects_nor_proxies_are_followed(
    client: MakeClient, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{LOCAL}:{free_port()}")
    web.reply = lambda asked: (307, {"Location": "/there"})
    assert client(web.url).request("PUT", f"{web.url}/a.ts").status_code == 307
    assert [each.path for each in web.taken] == ["/a.ts"]


def test_a_server_that_is_not_there_is_said(client: MakeClient) -> None:
    url = f"http://{LOCAL}:{free_port()}/live/"
    with pytest.raises(OSError, match=r"^Connection refused$"):
        client(url).request("PUT", url)


def test_a_server_that_does_not_answer_is_given_up(
    client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "_TIMEOUT", 0.1)
    with socket.create_server((LOCAL, 0)) as silent:
        url = f"http://{LOCAL}:{silent.getsockname()[1]}/"
        with pytest.raises(OSError, match=r"^timed out$"):
            client(url).request("PUT", url)


def test_a_certificate_is_checked_unless_that_is_disabled(
    client: MakeClient, tmp_path: Path
) -> None:
    make_certificate(tmp_path, [LOCAL], datetime.now(UTC))
    with WebServer(tmp_path) as web:
        with pytest.raises(OSError, match=r"certificate is not trusted \(self.*add #ca=FILE"):
            client(web.url).request("PUT", f"{web.url}/1")
        client(web.url, ca=str(tmp_path / CERTIFICATE)).request("PUT", f"{web.url}/2")
        client(web.url, verify=False).request("PUT", f"{web.url}/3")
        assert [each.path for each in web.taken] == ["/2", "/3"]


def test_a_certificate_for_another_name_is_refused(client: MakeClient, tmp_path: Path) -> None:
    make_certificate(tmp_path, ["example.org"], datetime.now(UTC))
    with WebServer(tmp_path) as web, pytest.raises(OSError, match="certificate is not trusted"):
        client(web.url, ca=str(tmp_path / CERTIFICATE)).request("PUT", web.url)


@pytest.mark.parametrize("ca", ["/nowhere/ca.pem", __file__])
def test_certificates_that_cannot_be_read_are_an_error_at_the_start(
    client: MakeClient, ca: str
) -> None:
    with pytest.raises(OSError, match=f"cannot read certificates from {ca}"):
        client(f"https://{LOCAL}/live/", ca=ca)
