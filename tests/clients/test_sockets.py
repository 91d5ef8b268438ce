"""Sockets that are connected to a server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from twistedcam.clients.sockets import connect_tcp, connect_unix


def test_a_port_is_connected_to_and_small_messages_are_sent_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with connect_tcp(host, port, None, 5.0) as connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert connection.gettimeout() == 5.0
            accepted, peer = server.accept()
            accepted.close()
            assert peer == connection.getsockname()


def test_a_socket_file_is_connected_to(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with pytest.raises(FileNotFoundError):
        connect_unix(path, 5.0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with connect_unix(path, 5.0) as connection:
            assert connection.gettimeout() == 5.0
