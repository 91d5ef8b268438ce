"""Plain HTTP on a TLS port: a response in clear text."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPSConnection

import pytest

from tests.support.http_server import whole_answer
from tests.support.process import PATIENCE, ServerProcess
from twistedcam.servers.http.connection.channel import plain_answer
from twistedcam.tls.certificate import make_certificate


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, ["localhost"], datetime.now(UTC))
    keys = f"privateKey={folder}/key.pem:certKey={folder}/cert.pem"
    http = f"ssl:0:interface=127.0.0.1:{keys}"
    with ServerProcess(folder / "r", "--camera", "pattern:?size=160x120", "--http", http) as found:
        yield found


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: cam.example:8443\r\n\r\n",
        b"POST / HTTP/1.0\r\nhost:cam.example:8443\nContent-Length: 0\n\n",
    ],
)
def test_the_response_names_the_https_address(server: ServerProcess, request_: bytes) -> None:
    server.greeting.append(f"http://127.0.0.1:{server.tls_ports()[-1]}")
    head, _, body = whole_answer(server, request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert body == b"This port speaks HTTPS, not HTTP: use https://cam.example:8443/\n"


def test_tls_still_works(server: ServerProcess) -> None:
    port = server.tls_ports()[-1]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
    for _ in range(3):
        connection.request("GET", "/api/v1/ping")
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    connection.close()


def test_an_invalid_host_is_not_sent_back() -> None:
    for host in (b"<script>", b"a b", b"x" * 300, b"a\xff", b""):
        answer = plain_answer(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert answer.endswith("use https://…/\n".encode())
