"""Connections of a worker are closed when their token ends, whether they read or not."""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.rtsp_reader import RtspReader
from tests.support.system import require
from twistedcam import wire
from twistedcam.auth import Grant, TokenFile
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.delivery.socket_state import HAS_SENDFILE

VIEW = frozenset({"view"})
LOCAL = "tcp:0:interface=127.0.0.1"


def join(address: tuple[str, int], token: str) -> socket.socket:
    """A connection to the frame port that has joined and reads nothing more."""
    connection = socket.create_connection(address, PATIENCE)
    decoder, hello = wire.Decoder(), None
    while hello is None:
        hello = next(iter(decoder.feed(connection.recv(4096))), None)
    assert isinstance(hello, wire.Hello)
    mac = wire.mac_of(token, "view", hello.nonce)
    connection.sendall(wire.Join(window=0, mac=mac).encode())
    return connection


def ask(address: str, token: str) -> socket.socket:
    """A connection to the web side that has asked for a stream and reads nothing."""
    connection = socket.create_connection((address.split(":")[0], int(address.split(":")[1])))
    connection.settimeout(PATIENCE)
    head = f"GET /stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def is_cut(connection: socket.socket) -> bool:
    """Whether the other side has ended it for good; nothing is read for that."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return any(
        events & (select.POLLERR | select.POLLHUP | select.POLLRDHUP) for _, events in poll.poll(0)
    )


def drained(connection: socket.socket) -> bytes:
    """All that is left until the end of the connection."""
    found = b""
    try:
        while data := connection.recv(1 << 16):
            found = (found + data)[-4096:]
    except ConnectionError:
        pass
    return found


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    require(HAS_SENDFILE, "workers need Linux")
    with ExitStack() as stack:
        yield stack


def test_what_a_worker_delivers_ends_with_the_token(tmp_path: Path, opened: ExitStack) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    ends = file.add(Grant("ends", VIEW))
    stays = file.add(Grant("stays", VIEW))
    options = ["--camera", "pattern:?size=1280x720&fps=30", "--workers", "1", "--http", LOCAL]
    options += ["--rtsp", LOCAL]
    server = opened.enter_context(
        ServerProcess(tmp_path / "r", *options, "--tokens", str(file.path))
    )
    wait_for(lambda: "worker 1 is running" in server.log, "the worker")
    web = urlsplit(server.http).netloc
    control = opened.enter_context(BlockingClient("tcp:{}:{}".format(*server.control), token=stays))

    def viewers() -> list[dict[str, object]]:
        found: list[dict[str, object]] = control.ask("viewers")["viewers"]
        return found

    silent = [opened.enter_context(each) for each in (join(server.frames, ends), ask(web, ends))]
    reads = [opened.enter_context(each) for each in (join(server.frames, ends), ask(web, ends))]
    for each in reads:
        assert each.recv(1 << 16)
    found = re.search(r"rtsp://[\d.]+:(\d+)", "\n".join(server.greeting))
    assert found
    port = int(found[1])
    tcp, udp = (opened.enter_context(closing(RtspReader(port, ends))) for _ in range(2))
    tcp.play("rtsp://127.0.0.1/cam")
    tcp.more(count=1)
    for each in udp.play_udp("rtsp://127.0.0.1/cam"):
        opened.enter_context(each)
        assert each.recv(1 << 16)
    # The kernel's buffers are full of pictures for those who do not read.
    wait_for(lambda: sum(int(str(each["drops"])) > 5 for each in viewers()) >= 2, "full buffers")
    file.remove("ends")
    assert b"the token 'ends' was removed" in drained(reads[0])
    drained(reads[1])
    assert tcp.ends()
    assert udp.ends()
    for each in silent:
        wait_for(lambda each=each: is_cut(each), "the end of one that does not read")
    wait_for(lambda: not viewers(), "nobody")
    assert "Traceback" not in server.log
