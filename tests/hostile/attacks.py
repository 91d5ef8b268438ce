"""What a client without a right does to harm a server; each attack ends by itself.

Run as a process of its own: ``python -m tests.hostile.attacks NAME PORT SECONDS``.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from twistedcam.wire import HEADER, MARK, MAX_FRAME, Join, Ping

HOST = "127.0.0.1"
#: Connections of one attacker: what one other machine may have is 256.
CROWD = 200
#: Bytes of pipelined requests, telnet commands or messages that are sent at once.
BURST = 64 * 1024
_SECRET = "x" * 70


@dataclass(frozen=True)
class Attack:
    """One way to do harm.

    Arguments:
        door: which port of the server, ``http``, ``frames`` or ``control``.
        run: does it until a time on the monotonic clock.
        is_http: whether any web server can be attacked in the same way.
    """

    door: str
    run: Callable[[int, float], None]
    is_http: bool = False


def wait(port: int, end: float) -> None:
    """Do nothing: what there is without any attack."""
    time.sleep(max(0.0, end - time.monotonic()))


def connect(port: int) -> socket.socket:
    """A connection that waits for nothing longer than 5 s."""
    return socket.create_connection((HOST, port), 5)


def until(end: float) -> Iterator[None]:
    """Steps until a time."""
    while time.monotonic() < end:
        yield


def send_again(data: bytes, reads: bool = True) -> Callable[[int, float], None]:
    """Send the same bytes on connection after connection; read what is answered, or nothing."""

    def run(port: int, end: float) -> None:
        for _ in until(end):
            with contextlib.suppress(OSError), connect(port) as line:
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                line.settimeout(max(0.05, min(5.0, end - time.monotonic())))
                while reads and line.recv(65536):
                    pass

    return run


def fill_many(data: bytes, first: bytes = b"") -> Callable[[int, float], None]:
    """Send as much as is taken on a crowd of connections, and read nothing."""

    def run(port: int, end: float) -> None:
        lines = []
        for _ in range(CROWD):
            with contextlib.suppress(OSError):
                line = connect(port)
                line.setblocking(False)
                lines.append(line)
                with contextlib.suppress(OSError):
                    line.send(first or data)
        for _ in until(end):
            _, writable, _ = select.select([], lines, [], 0.1)
            for line in writable:
                try:
                    line.send(data)
                except BlockingIOError:
                    pass
                except OSError:
                    lines.remove(line)
                    line.close()
            if not lines:
                time.sleep(0.05)
        for line in lines:
            line.close()

    return run


def hold_many(data: bytes) -> Callable[[int, float], None]:
    """Open a crowd of connections, say a little on each, and wait."""

    def run(port: int, end: float) -> None:
        lines = []
        for _ in range(CROWD):
            with contextlib.suppress(OSError):
                line = connect(port)
                lines.append(line)
                if data:
                    line.sendall(data)
        time.sleep(max(0.0, end - time.monotonic()))
        for line in lines:
            line.close()

    return run


def come_and_go(port: int, end: float) -> None:
    """Connect and close, as fast as it goes."""
    for _ in until(end):
        with contextlib.suppress(OSError):
            connect(port).close()


def drip(data: bytes) -> Callable[[int, float], None]:
    """Send bytes one at a time, each in a packet of its own."""

    def run(port: int, end: float) -> None:
        for _ in until(end):
            with contextlib.suppress(OSError), connect(port) as line:
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(len(data)):
                    if time.monotonic() > end:
                        return
                    line.send(data[at : at + 1])

    return run


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    """A request of HTTP."""
    lines = [f"{method} {path} HTTP/1.1", "Host: a", *headers, "", ""]
    return "\r\n".join(lines).encode()


def pipelined(each: bytes) -> bytes:
    """As many of the same as fit into a burst."""
    return each * (BURST // len(each))


_FORM = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n"
_PING = Ping().encode()
#: The head of a picture as large as may be.
_FRAME = HEADER.pack(MARK, 4, 0, MAX_FRAME)

ATTACKS: dict[str, Attack] = {
    "none": Attack("http", wait, is_http=True),
    # HTTP
    "http: pipelined, unknown address": Attack(
        "http", send_again(pipelined(request("/x"))), is_http=True
    ),
    "http: pipelined, wrong token": Attack(
        "http",
        send_again(pipelined(request("/snapshot", f"Authorization: Bearer {_SECRET}"))),
        is_http=True,
    ),
    "http: pipelined, page's style, nothing read": Attack(
        "http", fill_many(pipelined(request("/static/cameras.css"))), is_http=True
    ),
    "http: headers without end": Attack(
        "http", fill_many(b"A: b\r\n" * 1000, b"GET / HTTP/1.1\r\n")
    ),
    "http: body in chunks of a byte": Attack(
        "http",
        send_again(
            request("/api/v1/shutdown", "Transfer-Encoding: chunked", method="POST")
            + b"1\r\na\r\n" * 10000
        ),
        is_http=True,
    ),
    "http: form of many parts": Attack(
        "http",
        send_again(
            request(
                "/api/v1/shutdown",
                "Content-Type: multipart/form-data; boundary=b",
                f"Content-Length: {len(_FORM) * 1200}",
                method="POST",
            )
            + _FORM * 1200
        ),
        is_http=True,
    ),
    "http: half a request each": Attack(
        "http", hold_many(b"GET / HTTP/1.1\r\nHost:"), is_http=True
    ),
    "http: come and go": Attack("http", come_and_go, is_http=True),
    "http: a byte at a time": Attack("http", drip(request("/healthz") * 200), is_http=True),
    "http: WebSockets that nobody may open": Attack(
        "http",
        send_again(
            request(
                "/live/cam",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            )
        ),
    ),
    # frame port
    "frames: a picture before JOIN": Attack("frames", fill_many(bytes(1 << 20), _FRAME)),
    "frames: pings before JOIN, nothing read": Attack("frames", fill_many(_PING * 4000)),
    "frames: JOIN without a token": Attack("frames", send_again(Join(camera="cam").encode())),
    "frames: nonsense": Attack("frames", send_again(bytes(range(256)) * 256)),
    "frames: come and go": Attack("frames", come_and_go),
    "frames: nothing said": Attack("frames", hold_many(b"")),
    "frames: a byte at a time": Attack("frames", drip(_PING * 1000)),
    # control port
    "control: telnet commands": Attack("control", send_again(b"\xff\xf6" * (BURST // 2))),
    "control: telnet options": Attack("control", send_again(b"\xff\xfd\x01" * (BURST // 3))),
    "control: unknown words of 4,000 letters": Attack(
        "control", send_again((b"recordz" * 571 + b"\n") * 16)
    ),
    "control: help, nothing read": Attack("control", fill_many(b"help\n" * 1000)),
    "control: wrong tokens": Attack("control", send_again(f"auth {_SECRET}\n".encode() * 100)),
    "control: refused commands": Attack("control", send_again(b"cameras\n" * (BURST // 8))),
    "control: empty lines": Attack("control", send_again(b"\n" * BURST)),
    "control: nothing said": Attack("control", hold_many(b"")),
    "control: come and go": Attack("control", come_and_go),
}


if __name__ == "__main__":
    name, port, seconds = sys.argv[1:]
    ATTACKS[name].run(int(port), time.monotonic() + float(seconds))
