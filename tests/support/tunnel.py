"""TLS before a server that has none."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

from tests.support.publish_peers import LOCAL


class Tunnel:
    """Takes TLS connections and passes on what they say to a port of this machine.

    Arguments:
        folder: has ``cert.pem`` and ``key.pem``.
        inner: the port.
    """

    def __init__(self, folder: Path, inner: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self._inner = inner
        self._listening = socket.create_server((LOCAL, 0))
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Tunnel:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                outer, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(outer,), daemon=True).start()

    def _carry(self, outer: socket.socket) -> None:
        with (
            suppress(OSError),
            self._context.wrap_socket(outer, server_side=True) as theirs,
            socket.create_connection((LOCAL, self._inner)) as ours,
        ):
            back = threading.Thread(target=self._copy, args=(ours, theirs), daemon=True)
            back.start()
            self._copy(theirs, ours)
            back.join()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
