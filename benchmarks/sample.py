"""A viewer that looks at the age of each picture.

``python -m benchmarks.sample KIND PORT PATH SECONDS``; with a fifth word it reads no more than that
many bytes a second. Prints JSON: pairs of the second at which a picture was whole and its age then,
in milliseconds.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from collections.abc import Callable

from tests.fakecam import stamp_of
from twistedcam import wire
from twistedcam.wire.messages import FrameMessage

_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)


class Reader:
    """Reads a socket, no faster than it may.

    Arguments:
        sock: the connection.
        limit: bytes a second, or 0 for all that come.
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


def watch_frames(reader: Reader, sock: socket.socket, seen: Callable[[bytes], bool]) -> None:
    """The frame port, each frame acknowledged."""
    sock.sendall(wire.Join(window=2).encode())
    decoder = wire.Decoder()
    while data := reader.read():
        for message in decoder.feed(data):
            if isinstance(message, FrameMessage):
                sock.sendall(wire.Ack(message.frame.seq).encode())
                if not seen(message.frame.jpeg):
                    return
            elif isinstance(message, wire.Ping):
                sock.sendall(wire.Pong(message.data).encode())


def watch_http(
    reader: Reader, sock: socket.socket, path: str, seen: Callable[[bytes], bool]
) -> None:
    """Multipart MJPEG."""
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    buffer = bytearray()
    while data := reader.read():
        buffer += data
        while found := _LENGTH.search(buffer):
            start = buffer.find(b"\r\n\r\n", found.end() - 2) + 4
            end = start + int(found[1])
            if start < 4 or len(buffer) < end:
                break
            picture = bytes(buffer[start:end])
            del buffer[:end]
            if not seen(picture):
                return


def main(words: list[str]) -> None:
    """Watch, and print what was seen."""
    kind, port, path, seconds = words[0], int(words[1]), words[2], float(words[3])
    limit = float(words[4]) if len(words) > 4 else 0.0
    begun = time.monotonic()
    ages: list[tuple[float, float]] = []

    def seen(jpeg: bytes) -> bool:
        now = time.monotonic_ns()
        stamp = stamp_of(jpeg)
        if stamp is not None:
            ages.append((round(now / 1e9 - begun, 3), round((now - stamp.time) / 1e6, 3)))
        return now / 1e9 - begun < seconds

    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.settimeout(seconds + 5)
        reader = Reader(sock, limit)
        if kind == "frames":
            watch_frames(reader, sock, seen)
        else:
            watch_http(reader, sock, path, seen)
    print(json.dumps(ages))


if __name__ == "__main__":
    main(sys.argv[1:])
