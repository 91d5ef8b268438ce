"""The control port of a real server: telnet, nc, a thousand connections, and random bytes."""

from __future__ import annotations

import random
import resource
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ServerProcess
from tests.support.system import require_program
from tests.support.terminal import Terminal
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.errors import NoServer, NoSuchCamera


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("recordings")
    with ServerProcess(folder, "--camera", "pattern:?size=160x120&fps=20") as running:
        with client(running) as control:
            control.ask("start")
        yield running
        log = running.log
    assert "Traceback" not in log, log


def client(server: ServerProcess) -> BlockingClient:
    host, port = server.control
    return BlockingClient(f"tcp:{host}:{port}", timeout=PATIENCE)


def talk(server: ServerProcess, data: bytes) -> bytes:
    """Send, close our side, and read to the end."""
    with socket.create_connection(server.control, PATIENCE) as control:
        control.sendall(data)
        control.shutdown(socket.SHUT_WR)
        with control.makefile("rb") as answers:
            return answers.read()


def test_a_person_steers_and_watches_with_telnet(server: ServerProcess) -> None:
    telnet = require_program("telnet")
    host, port = server.control
    terminal = Terminal(telnet, host, str(port))
    try:
        terminal.wait_for("OK twistedcam 1 ")
        terminal.type("status\r")
        terminal.wait_for("state: live")
        terminal.wait_for("OK")
        terminal.type("watch cam\r")
        terminal.wait_for("OK")
        with client(server) as other:
            other.ask("stop")
            terminal.wait_for("event: state camera=cam state=stopped")
            other.ask("start")
        terminal.wait_for("state=live")
        terminal.type("\x03")  # IAC IP, and a timing mark that telnet waits for
        terminal.type("get cam quality\r")
        terminal.wait_for("value: 80")
        terminal.type("quit\r")
        assert terminal.process.wait(PATIENCE) in (0, 1)  # telnet: "closed by foreign host"
    finally:
        terminal.close()


def test_a_program_pipes_commands_through_nc(server: ServerProcess) -> None:
    nc = require_program("nc", "netcat-openbsd")
    host, port = server.control
    commands = "ping\nversion\nstop\nstart\nstatus\nnonsense\n" + "ping\n" * 2000 + "quit\n"
    done = subprocess.run(
        [nc, "-N", host, str(port)],
        input=commands,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("OK twistedcam 1 ")
    assert lines.count("OK") == 2006
    assert "state: live" in lines
    (error,) = [line for line in lines if line.startswith("ERR")]
    assert lines.index(error) > lines.index("state: live")
    assert lines[-1] == "OK"


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_controllers_at_once_get_the_same_event(server: ServerProcess) -> None:
    connections = [socket.create_connection(server.control, PATIENCE) for _ in range(1000)]
    try:
        files = [each.makefile("rwb", buffering=0) for each in connections]
        for file in files:
            assert file.readline().startswith(b"OK twistedcam")
            file.write(b"watch\n")
        for file in files:
            assert file.readline() == b"OK\n"
        with client(server) as control:
            control.ask("stop")
            control.ask("start")
        for file in files:
            assert file.readline().startswith(b"event: state camera=cam state=stopped")
            file.close()
    finally:
        for connection in connections:
            connection.close()


def test_random_bytes_get_an_error(server: ServerProcess) -> None:
    dice = random.Random(5)
    for _ in range(60):
        answer = talk(server, dice.randbytes(dice.randrange(1, 9000)))
        assert answer.startswith(b"OK twistedcam")
        assert b"internal" not in answer
    assert talk(server, b"ping\n").endswith(b"\nOK\n")


def test_the_last_error_reaches_a_client_that_still_sends(server: ServerProcess) -> None:
    answer = talk(server, b"ping\n" + b"x" * 200_000)
    assert answer.splitlines()[1:] == [
        b"OK",
        b"ERR line-too-long a line may have at most 4096 bytes",
    ]


def test_the_blocking_client_returns_answers_events_and_errors(server: ServerProcess) -> None:
    with client(server) as control:
        assert control.server_version
        assert control.ask("cameras")["cameras"][0]["camera"] == "cam"
        with pytest.raises(NoSuchCamera, match="'nope'"):
            control.ask("status", "nope")
        events = control.watch("cam")
        with client(server) as other:
            other.ask("stop")
            other.ask("start")
        assert [next(events)["state"] for _ in range(3)] == ["stopped", "starting", "live"]
        assert control.ask("ping") == {}
        control.close()
        with pytest.raises(NoServer):
            control.ask("ping")


def test_a_property_can_be_set_while_the_camera_runs(server: ServerProcess) -> None:
    with client(server) as control:
        assert control.ask("set", "cam", "size", "320x240")["value"] == "320x240"
        assert control.ask("status")["size"] == "320x240"
        assert control.ask("set", "quality", "40")["value"] == 40
        assert control.ask("set", "quality", "80")["value"] == 80
        assert control.ask("set", "cam", "size", "160x120")["property"] == "size"


def test_shutdown_is_answered_before_the_server_stops(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?fps=20") as server:
        with client(server) as one, client(server) as other:
            one.ask("shutdown")
            other.ask("shutdown")
        assert server.process.wait(PATIENCE) == 0
        assert "Traceback" not in server.log
