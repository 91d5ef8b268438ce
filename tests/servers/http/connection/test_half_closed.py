"""Tests of the check for clients that are gone."""

from __future__ import annotations

import socket

from tests.support.process import wait_for
from twistedcam.servers.http.connection.half_closed import is_gone


def test_a_closed_connection_is_distinguished_from_a_half_closed_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with server:
        assert not is_gone(server)
        client.shutdown(socket.SHUT_WR)
        assert server.recv(1) == b""
        assert not is_gone(server)
        client.close()

        def gone() -> bool:
            if not is_gone(server):
                try:
                    server.send(b"x")  # what is sent is answered with a reset
                except OSError:
                    return True
            return is_gone(server)

        wait_for(gone, "the reset")
        assert is_gone(server)
