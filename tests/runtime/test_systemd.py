"""The server notifies systemd, and uses sockets of systemd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tests.support.films import read_film
from tests.support.process import PATIENCE, ROOT, ServerProcess, wait_for
from twistedcam.runtime.systemd import SystemdNotifier


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE)
        yield listening


def test_it_sends_ready_watchdog_and_stopping(heard: socket.socket) -> None:
    clock = Clock()
    notifier = SystemdNotifier(
        clock, {"NOTIFY_SOCKET": heard.getsockname(), "WATCHDOG_USEC": "10000000"}
    )
    notifier.startService()
    assert heard.recv(100) == b"READY=1"
    assert heard.recv(100) == b"WATCHDOG=1"
    clock.advance(5)
    assert heard.recv(100) == b"WATCHDOG=1"
    notifier.stopService()
    assert heard.recv(100) == b"STOPPING=1"
    assert clock.getDelayedCalls() == []


def test_the_watchdog_of_another_process_gets_no_message(heard: socket.socket) -> None:
    clock = Clock()
    told = {"NOTIFY_SOCKET": heard.getsockname(), "WATCHDOG_USEC": "10000000"}
    SystemdNotifier(clock, {**told, "WATCHDOG_PID": "1"}).startService()
    assert clock.getDelayedCalls() == []
    own = SystemdNotifier(clock, {**told, "WATCHDOG_PID": str(os.getpid())})
    own.startService()
    assert len(clock.getDelayedCalls()) == 1
    own.stopService()


def test_begin_and_end_of_a_reload_are_sent_even_if_it_fails(
    heard: socket.socket, tmp_path: Path
) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[camera.a]\nsource = 'pattern:?size=160x120'\n")
    env = {"NOTIFY_SOCKET": heard.getsockname()}
    with ServerProcess(tmp_path / "r", "--config", str(config), env=env) as server:
        assert heard.recv(100) == b"READY=1"
        for text in (config.read_text(), "a = "):
            config.write_text(text)
            server.process.send_signal(signal.SIGHUP)
            word, _, when = heard.recv(100).partition(b"\nMONOTONIC_USEC=")
            assert (word, int(when) > 0) == (b"RELOADING=1", True)
            assert heard.recv(100) == b"READY=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_where_nobody_listens_nothing_happens(environment: dict[str, str]) -> None:
    notifier = SystemdNotifier(Clock(), {**environment, "WATCHDOG_USEC": "soon"})
    notifier.startService()
    notifier.stopService()


def test_the_server_says_ready_when_its_ports_answer(heard: socket.socket, tmp_path: Path) -> None:
    env = {"NOTIFY_SOCKET": heard.getsockname()}
    with ServerProcess(tmp_path / "r", "--camera", "pattern:?size=160x120", env=env) as server:
        assert heard.recv(100) == b"READY=1"
        socket.create_connection(server.frames, PATIENCE).close()
        assert server.end() == 0
        assert heard.recv(100) == b"STOPPING=1"


ACTIVATE = """
import os, sys
for number, handle in enumerate(map(int, sys.argv[1].split(",")), 3):
    os.dup2(handle, number)
    os.set_inheritable(number, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(number - 2),
                  LISTEN_FDNAMES="twistedcam.socket")
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def serve_on(
    port: socket.socket, folder: Path, *options: str, what: str = "listen"
) -> subprocess.Popen[str]:
    """A server with one port, by default the frame port, on a socket as from systemd."""
    words = ["-m", "twistedcam", "serve", "--camera", "pattern:?size=160x120"]
    words += [f"--no-{each}" for each in ("listen", "control", "http", "rtsp") if each != what]
    words += ["--recordings", str(folder), f"--{what}", "systemd:domain=INET:index=0", *options]
    handle = os.dup(port.fileno())
    try:
        return subprocess.Popen(
            [sys.executable, "-c", ACTIVATE, str(handle), *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            pass_fds=[handle],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(handle)


def test_it_serves_on_a_socket_that_systemd_has_opened(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as port:
        server = serve_on(port, tmp_path / "r")
        try:
            with socket.create_connection(port.getsockname(), PATIENCE) as viewer:
                assert b'"protocol":1' in viewer.recv(1000)
        finally:
            server.terminate()
            said = server.communicate(timeout=PATIENCE)
        assert server.returncode == 0, said


def test_a_socket_of_systemd_s_that_others_can_reach_needs_tokens(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as port:
        server = serve_on(port, tmp_path / "r")
        _, said = server.communicate(timeout=PATIENCE)
        assert server.returncode == 1, said
        assert "there are no tokens" in said


def test_the_page_on_a_socket_of_systemd_refuses_other_host_names(tmp_path: Path) -> None:
    """A page of another host name that resolves to this machine gets nothing."""
    strange = ("GET /snapshot", "evil.example"), ("POST /api/v1/cameras/cam/stop", "evil.example")
    with socket.create_server(("127.0.0.1", 0)) as port:
        server = serve_on(port, tmp_path / "r", what="http")
        try:
            for asked, host in (*strange, ("GET /api/v1/cameras", "localhost")):
                with socket.create_connection(port.getsockname(), PATIENCE) as browser:
                    origin = f"Origin: http://{host}\r\nConnection: close"
                    browser.sendall(
                        f"{asked} HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n\r\n".encode()
                    )
                    status = 200 if host == "localhost" else 403
                    assert browser.recv(12) == f"HTTP/1.1 {status}".encode()
        finally:
            server.terminate()
            said = server.communicate(timeout=PATIENCE)
        assert server.returncode == 0, said


def test_a_configuration_with_sockets_of_systemd_s_is_checked_without_them(tmp_path: Path) -> None:
    for words, code in ((["--check"], 0), ([], 1)):
        server = subprocess.run(
            [
                sys.executable,
                "-m",
                "twistedcam",
                "serve",
                "--recordings",
                str(tmp_path),
                *words,
                "--camera",
                "pattern:",
                "--no-http",
                "--no-rtsp",
                "--no-control",
                "--listen",
                "systemd:domain=INET:index=0",
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert server.returncode == code, server.stderr
        assert ("systemd has not passed this socket" in server.stderr) == bool(code)


class Visitor(threading.Thread):
    """Connects repeatedly; ``refused`` has what it got instead of a greeting."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(daemon=True)
        self._address = address
        self.is_over = False
        self.refused: list[object] = []
        self.greeted = 0

    def run(self) -> None:
        while not self.is_over:
            try:
                with socket.create_connection(self._address, PATIENCE) as connection:
                    words = connection.recv(1000)
            except OSError as error:
                words = str(error).encode()
            if b'"protocol":1' in words:
                self.greeted += 1
            else:
                self.refused.append(words)
            time.sleep(0.02)


def test_a_restart_refuses_no_viewer_and_records_again_immediately(tmp_path: Path) -> None:
    recorded = ["--record", "at_start=on", "--record-format", "copy"]
    with socket.create_server(("127.0.0.1", 0), backlog=64) as port:
        visitor = Visitor(port.getsockname())
        visitor.start()
        for _ in range(2):
            server = serve_on(port, tmp_path, *recorded)
            try:
                begun = {path.name for path in tmp_path.glob("*.mkv")}
                wait_for(lambda: any(tmp_path.glob(".*.mkv.part")), "a recording")
            finally:
                server.terminate()
                said = server.communicate(timeout=PATIENCE)
            assert server.returncode == 0, said
            assert len(list(tmp_path.glob("*.mkv"))) == len(begun) + 1
        server = serve_on(port, tmp_path)  # connections made meanwhile are waited for
        try:
            told = visitor.greeted
            wait_for(lambda: visitor.greeted > told, "the last who came")
            visitor.is_over = True
            visitor.join(PATIENCE)
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)
    assert not visitor.refused
    for path in tmp_path.glob("*.mkv"):
        assert read_film(path).times
