"""The HTTP server behind Apache, with the configuration of docs/proxy.md."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.documents import blocks
from tests.support.http_server import serve
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.source_peers import APACHE_MODULES, Peer
from tests.support.system import require_program

LOADS = ("mpm_event", "authz_core", "proxy", "proxy_http", "headers")
CONF = """ServerName localhost
ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/errors
Listen 127.0.0.1:{port}
{modules}
{documented}
"""
HANDSHAKE = """GET /live/door HTTP/1.1
Host: 127.0.0.1:{port}
Origin: http://127.0.0.1:{port}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Version: 13

"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    options = ["--camera", "door=pattern:?size=320x240", "--trusted-proxy", "127.0.0.1"]
    with serve(tmp_path_factory.mktemp("recordings"), *options) as running:
        wait_for(lambda: running.status("door")["state"] == "live", "a picture")
        yield running


@pytest.fixture(scope="module")
def port(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an Apache in front of the server."""
    program = require_program("apache2", "apache2-bin")
    folder = tmp_path_factory.mktemp("apache")
    found = free_port()
    [documented] = [each.text for each in blocks("apache")]
    modules = [f"LoadModule {each}_module {APACHE_MODULES}/mod_{each}.so" for each in LOADS]
    modules += ["User nobody"] if os.geteuid() == 0 else []
    (folder / "conf").write_text(
        CONF.format(
            folder=folder,
            port=found,
            modules="\n".join(modules),
            documented=documented.replace("http://127.0.0.1:8080", server.http),
        )
    )
    with Peer(found, program, "-X", "-f", str(folder / "conf")):
        yield found


def test_the_page_a_stream_and_commands_come_through(server: ServerProcess, port: int) -> None:
    own = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{own}/", timeout=PATIENCE) as answer:
        assert b"twistedcam" in answer.read()
    with urllib.request.urlopen(f"{own}/stream", timeout=PATIENCE) as answer:
        assert answer.read(4096).count(b"\xff\xd8") >= 1  # at once, not when a buffer is full
    order = urllib.request.Request(
        f"{own}/api/v1/cameras/door/snapshot", method="POST", headers={"Origin": own}
    )
    with urllib.request.urlopen(order, timeout=PATIENCE) as answer:
        assert json.load(answer)["snapshot"].startswith("door_")


def test_a_websocket_comes_through(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(HANDSHAKE.format(port=port).replace("\n", "\r\n").encode())
        received = b""
        while b"\xff\xd8" not in received:
            data = connection.recv(65536)
            assert data, received
            received += data
    assert received.startswith(b"HTTP/1.1 101 ")
