"""What stands between FFmpeg and a web server passes on all, and says what is refused."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.ports import free_port
from tests.support.process import PATIENCE, ROOT
from tests.support.publish_peers import LOCAL
from twistedcam.tls.certificate import CERTIFICATE, KEY, make_certificate


class Peer(BaseHTTPRequestHandler):
    """A web server that keeps what it is told, and refuses and moves what has such a name."""

    protocol_version = "HTTP/1.1"
    told: list[tuple[str, str, str | None, bytes]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.told.append((self.command, self.path, self.headers.get("Authorization"), body))
        self.send_response(403 if "refused" in self.path else 201)
        if "moved" in self.path:
            origin = f"{self.server.scheme}://{LOCAL}:{self.server.server_address[1]}"  # type: ignore[attr-defined]
            self.send_header("Location", f"{origin}/there?x=1")
        if "away" in self.path:
            self.send_header("Location", "http://example.org/there")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        self.close_connection = "last" in self.path  # without a word, as servers do

    do_GET = do_POST = do_PUT

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def peer(folder: Path | None = None) -> Iterator[int]:
    """Its port; with a certificate's folder over TLS."""
    Peer.told = []
    with ThreadingHTTPServer((LOCAL, 0), Peer) as server:
        server.scheme = "http" if folder is None else "https"  # type: ignore[attr-defined]
        if folder is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Porter:
    """The program at work; its input's end is its end. A context manager.

    Arguments:
        errand: see twistedcam.publishing.sender.porter.Errand.
    """

    def __init__(self, url: str, verify: bool = True, ca: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twistedcam.publishing.sender.porter"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"url": url, "verify": verify, "ca": ca}) + "\n")
        self.process.stdin.flush()
        self.url = self.line()

    def line(self) -> str:
        """The next line that it says; empty at the end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(
        self, method: str, name: str = "", body: Any = b"", **headers: str
    ) -> tuple[int, str | None, bytes]:
        """Status, Location and body of an answer, for its address with ``name`` at the end."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(LOCAL, parts.port or 0, timeout=PATIENCE)
        chunked = not isinstance(body, bytes)
        try:
            connection.request(method, parts.path + name, body, headers, encode_chunked=chunked)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location"), answer.read()
        finally:
            connection.close()

    def __enter__(self) -> Porter:
        return self

    def __exit__(self, *_: object) -> None:
        rest, _ = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, rest) == (0, "")


def test_what_it_is_given_comes_to_the_web_server_with_name_and_password() -> None:
    with peer() as port, Porter(f"http://door:k%40y@{LOCAL}:{port}/live/") as porter:
        assert porter.ask("PUT", "a.ts", b"segment") == (201, None, b"ok")
        assert porter.ask("POST", "b.ts", iter([b"seg", b"ment"])) == (201, None, b"ok")
        assert porter.ask("PUT", "last.ts", b"1") == (201, None, b"ok")
        assert porter.ask("PUT", "after.ts", b"2") == (201, None, b"ok")
        basic = "Basic ZG9vcjprQHk="
        assert Peer.told == [
            ("PUT", "/live/a.ts", basic, b"segment"),
            ("POST", "/live/b.ts", basic, b"segment"),
            ("PUT", "/live/last.ts", basic, b"1"),
            ("PUT", "/live/after.ts", basic, b"2"),
        ]


def test_who_does_not_know_its_address_gets_nothing() -> None:
    with peer() as port, Porter(f"http://{LOCAL}:{port}/live/") as porter:
        known, porter.url = porter.url, f"http://{LOCAL}:{urlsplit(porter.url).port}/live/"
        assert porter.ask("PUT", "a.ts", b"1")[0] == 404
        porter.url = known
        assert porter.ask("PUT", "a.ts", b"1")[0] == 201
        assert len(Peer.told) == 1


def test_what_has_moved_is_asked_for_here_again_and_what_is_elsewhere_there() -> None:
    with peer() as port, Porter(f"http://{LOCAL}:{port}/live/?key=1") as porter:
        assert porter.url.endswith("/live/?key=1")
        status, location, _ = porter.ask("POST", "moved", b"offer")
        assert (status, location) == (
            201,
            urlsplit(porter.url).path[: -len("/live/")] + "/there?x=1",
        )
        assert porter.ask("POST", "away", b"offer")[1] == "http://example.org/there"


def test_a_refusal_is_said_and_passed_on() -> None:
    with peer() as port, Porter(f"http://{LOCAL}:{port}/live/") as porter:
        assert porter.ask("PUT", "refused.ts", b"1")[0] == 403
        assert porter.line() == "PUT: 403 Forbidden"
        assert porter.ask("GET", "refused.ts")[0] == 403  # FFmpeg looks whether there is one


def test_a_web_server_that_is_not_there_is_said() -> None:
    with Porter(f"http://{LOCAL}:{free_port()}/live/") as porter:
        assert porter.ask("PUT", "a.ts", b"1")[0] == 502
        assert porter.line() == "Connection refused"


def test_a_certificate_is_checked_unless_that_is_not_wanted(tmp_path: Path) -> None:
    make_certificate(tmp_path, [LOCAL], datetime.now(UTC))
    with peer(tmp_path) as port:
        url = f"https://{LOCAL}:{port}/live/"
        with Porter(url) as porter:
            assert porter.ask("PUT", "a.ts", b"1")[0] == 502
            assert porter.line().startswith("its certificate is not to be trusted (self")
        with Porter(url, ca=str(tmp_path / CERTIFICATE)) as porter:
            assert porter.ask("PUT", "a.ts", b"2")[0] == 201
        with Porter(url, verify=False) as porter:
            assert porter.ask("PUT", "a.ts", b"3")[0] == 201
        assert [body for *_, body in Peer.told] == [b"2", b"3"]


def test_a_body_without_an_end_is_not_kept() -> None:
    with peer() as port, Porter(f"http://{LOCAL}:{port}/live/") as porter:
        chunk = bytes(1 << 20)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            porter.ask("PUT", "endless.ts", (chunk for _ in range(66)))
        assert porter.ask("PUT", "a.ts", b"1")[0] == 201
        assert len(Peer.told) == 1


@pytest.mark.parametrize("ca", ["/nowhere/ca.pem", __file__])
def test_certificates_that_cannot_be_read_are_said_at_once(ca: str) -> None:
    porter = Porter(f"https://{LOCAL}/live/", ca=ca)
    assert porter.url.startswith("no way to the web server: ")
    porter.process.communicate()
    assert porter.process.returncode == 1
