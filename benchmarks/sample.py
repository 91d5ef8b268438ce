"""A viewer that measures ages: ``python -m benchmarks.sample KIND PORT PATH LIMIT``.

LIMIT: bytes a second that it reads at most, or 0. It prints ``watching`` at its first picture; on
SIGTERM it ends and prints JSON: ``ages``, pairs of the moment at which a picture was whole (seconds
of CLOCK_MONOTONIC) and its age then in milliseconds, and ``size``, a picture's bytes on the
average.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

from benchmarks.crowd import Ages, request, trusting
from benchmarks.servers import Target
from tests.fakecam import stamp_of
from twistedcam import wire
from twistedcam.wire.messages import FrameMessage

_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)


class Reader:
    """Reads a socket, no faster than the limit.

    Arguments:
        sock: the connection.
        limit: bytes a second, or 0 for no limit.
    """

    def __init__(self, sock: socket.socket, limit: float) -> None:
        self._sock = sock
        self._limit = limit
        self._due = time.monotonic()

    def read(self) -> bytes:
        """Some bytes; none at the end."""
        if not self._limit:
            return self._sock.recv(1 << 18)
        data = self._sock.recv(8192)
        now = time.monotonic()
        self._due = max(self._due, now - 0.02) + len(data) / self._limit
        if self._due > now:
            time.sleep(self._due - now)
        return data


class Album:
    """The pictures that were received."""

    def __init__(self) -> None:
        self.ages: Ages = []
        self._bytes = self._pictures = 0

    def see(self, jpeg: bytes) -> None:
        """Record a complete picture."""
        now = time.monotonic_ns()
        if not self._pictures:
            print("watching", flush=True)
        self._pictures += 1
        self._bytes += len(jpeg)
        stamp = stamp_of(jpeg)
        if stamp is not None:
            self.ages.append((round(now / 1e9, 4), round((now - stamp.time) / 1e6, 3)))

    def told(self) -> dict[str, Any]:
        """The results as JSON."""
        return {"ages": self.ages, "size": self._bytes / max(1, self._pictures)}


def watch_frames(reader: Reader, sock: socket.socket, album: Album) -> None:
    """The frame port, each frame acknowledged."""
    decoder = wire.Decoder()
    while data := reader.read():
        for message in decoder.feed(data):
            if isinstance(message, FrameMessage):
                sock.sendall(wire.Ack(message.frame.seq).encode())
                album.see(message.frame.jpeg)
            elif isinstance(message, wire.Ping):
                sock.sendall(wire.Pong(message.data).encode())


def watch_http(reader: Reader, album: Album) -> None:
    """Multipart MJPEG."""
    buffer = bytearray()
    while data := reader.read():
        buffer += data
        while found := _LENGTH.search(buffer):
            start = buffer.find(b"\r\n\r\n", found.end() - 2) + 4
            end = start + int(found[1])
            if start < 4 or len(buffer) < end:
                break
            album.see(bytes(buffer[start:end]))
            del buffer[:end]


def main(words: list[str]) -> None:
    """Watch, and print the results."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    target, limit = Target(words[0], int(words[1]), words[2]), float(words[3])
    album = Album()
    with (
        suppress(KeyboardInterrupt, ConnectionError),
        socket.create_connection(("127.0.0.1", target.port), 10) as plain,
    ):
        sock = trusting().wrap_socket(plain) if target.kind == "https" else plain
        sock.settimeout(None)
        sock.sendall(request(target))
        reader = Reader(sock, limit)
        if target.kind == "frames":
            watch_frames(reader, sock, album)
        else:
            watch_http(reader, album)
    print(json.dumps(album.told()))


if __name__ == "__main__":
    main(sys.argv[1:])
