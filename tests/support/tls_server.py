"""A certificate for tests, and a server that shows it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from twistedcam.tls.certificate import make_certificate

NAMES = ["localhost", "127.0.0.1"]


def make(folder: Path, names: list[str] = NAMES, client: bool = False) -> str:
    return make_certificate(folder, names, datetime.now(UTC), client=client)


@contextlib.contextmanager
def speaking_tls(folder: Path) -> Iterator[int]:
    """A server that shows that certificate and closes; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as port:

        def serve() -> None:
            while True:
                try:
                    connection, _ = port.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), connection:
                    context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield port.getsockname()[1]
        finally:
            port.shutdown(socket.SHUT_RDWR)
            thread.join()
