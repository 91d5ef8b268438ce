"""A real server with HTTP, and barcodes of its frames."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.support.process import PATIENCE, ServerProcess
from twistedcam.media import barcode


def serve(
    folder: Path, *options: str, port: int = 0, env: Mapping[str, str] | None = None
) -> ServerProcess:
    """Start a server with HTTP, by default on a free port."""
    http = f"tcp:{port}:interface=127.0.0.1"
    return ServerProcess(folder, *options, "--http", http, env=env)


def state(server: ServerProcess, camera: str = "") -> dict[str, Any]:
    """Return the status of a camera, by default of the only one."""
    path = f"/api/v1/cameras/{camera}" if camera else "/api/v1/status"
    with urllib.request.urlopen(server.http + path, timeout=PATIENCE) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def stamp_of(jpeg: bytes) -> barcode.Stamp:
    """Read the barcode of a JPEG."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    stamp = barcode.read(image.astype(np.uint8, copy=False))
    assert stamp is not None
    return stamp


@contextmanager
def half_closed(server: ServerProcess, request: bytes) -> Iterator[socket.socket]:
    """Open a connection that sends a request and closes its half."""
    host, _, port = server.http.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        yield connection


def whole_answer(server: ServerProcess, request: bytes) -> bytes:
    """Return everything that the server sends until it closes the connection."""
    with half_closed(server, request) as connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))
