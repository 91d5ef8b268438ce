"""A client that floods the control port with telnet commands keeps no other client waiting."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.servers.control.test_protocol import COMMANDS
from tests.support.process import PATIENCE, ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    options = ["--camera", "pattern:?size=160x120&fps=20"]
    with ServerProcess(tmp_path_factory.mktemp("recordings"), *options) as running:
        yield running


@pytest.mark.parametrize("command", COMMANDS, ids=repr)
def test_a_flood_of_telnet_keeps_nobody_waiting(server: ServerProcess, command: bytes) -> None:
    with socket.create_connection(server.control, PATIENCE) as flood:
        flood.sendall(command * 16384)
        with socket.create_connection(server.control, PATIENCE) as other:
            answers = other.makefile("rb")
            assert answers.readline().startswith(b"OK twistedcam 1 ")
            other.sendall(b"ping\n")
            assert answers.readline() == b"OK\n"
            answers.close()
