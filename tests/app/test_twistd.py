"""``twistd twistedcam`` takes the options of ``serve``, and ends as cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.ports import free_port
from tests.support.process import PATIENCE, ROOT, wait_for

ALONE = ("--no-http", "--no-rtsp", "--no-control")
TWISTD = "from twisted.scripts.twistd import run; run()"


def twistd(folder: Path, *options: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", TWISTD, "-n", "--pidfile", "", "twistedcam", *options]
    return subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_it_serves_under_twistd(tmp_path: Path) -> None:
    port = free_port()
    control = f"tcp:{port}:interface=127.0.0.1"
    options = [
        "--camera",
        "pattern:?size=160x120",
        "--no-listen",
        "--no-http",
        "--no-rtsp",
        "--control",
        control,
    ]
    server = twistd(tmp_path, *options)

    def greeting() -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
                return connection.recv(100)
        except ConnectionRefusedError:
            return b""

    try:
        assert wait_for(greeting, "the port").startswith(b"OK twistedcam 1 ")
    finally:
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=PATIENCE)
    assert server.returncode in (0, -signal.SIGTERM), (
        said
    )  # twistd ends by the signal that it was sent
    assert "Traceback" not in said


def test_what_will_not_do_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wrong = (
            (["--camera", "nonsense:"], 2, "nonsense"),
            (["--colour"], 2, "--colour"),
            ([*ALONE, "--listen", f"tcp:{port}"], 2, "token"),
            ([*ALONE, "--listen", f"tcp:{port}:interface=127.0.0.1"], 1, "cannot"),
        )
        for options, code, reason in wrong:
            server = twistd(tmp_path, *options)
            said, _ = server.communicate(timeout=PATIENCE)
            assert (server.returncode, reason in said) == (code, True), said
            assert "Traceback" not in said


def test_a_daemon_that_cannot_start_reports_it_to_the_terminal(tmp_path: Path) -> None:
    words = ["-c", TWISTD, "--pidfile", "pid", "--logfile", "log", "twistedcam", *ALONE]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        done = subprocess.run(
            [sys.executable, *words, "--camera", "pattern:", "--listen", listen],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (done.returncode, "cannot listen on" in done.stderr) == (1, True)
    # twistd shows the first hundred bytes only, perhaps before the log has the rest.
    said = "in use: stop the program that uses it"
    wait_for(lambda: said in (tmp_path / "log").read_text(), "the whole reason in the log")
    assert "cannot listen on" in (tmp_path / "log").read_text()
    assert not (tmp_path / "pid").exists()
