"""Programs and requests of hooks end in time, and their errors have no secrets."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.support.process import wait_for
from twistedcam.automation.hook_actions import ActionFailed, Programs, post

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def run(script: str, data: bytes = b"", timeout: float = 10.0) -> None:
    Programs().run(["sh", "-c", script], ENVIRONMENT, data, timeout)


def test_a_program_gets_the_event_and_its_environment(tmp_path: Path) -> None:
    big = b"x" * 300_000  # more than a pipe holds
    run(f'cat > "{tmp_path}/in"; env > "{tmp_path}/env"', big)
    assert (tmp_path / "in").read_bytes() == big
    assert f"PATH={ENVIRONMENT['PATH']}" in (tmp_path / "env").read_text()


def test_arguments_are_not_read_by_a_shell(tmp_path: Path) -> None:
    Programs().run(["touch", f"{tmp_path}/$HOME; x"], ENVIRONMENT, b"", 10)
    assert [path.name for path in tmp_path.iterdir()] == ["$HOME; x"]


def test_a_program_that_fails_says_why_in_its_last_line() -> None:
    with pytest.raises(ActionFailed, match="it ended with exit code 3") as failed:
        run("seq 100000; echo no such remote >&2; exit 3")
    assert failed.value.detail == "no such remote"


def test_a_program_that_does_not_exist_fails_with_the_reason() -> None:
    with pytest.raises(ActionFailed, match="cannot be started: No such file"):
        Programs().run(["/nowhere/program"], ENVIRONMENT, b"", 10)


def test_a_program_that_hangs_is_killed_with_all_that_it_has_started(tmp_path: Path) -> None:
    with pytest.raises(ActionFailed, match=r"did not end within 0\.3 s"):
        run(f"sleep 600 & echo $! > {tmp_path}/pid; wait", timeout=0.3)
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not _runs(pid), "the end of what it has started")


def test_a_program_may_leave_another_one_running(tmp_path: Path) -> None:
    began = time.monotonic()
    run(f"sleep 600 & echo $! > {tmp_path}/pid")
    assert time.monotonic() - began < 5
    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_the_end_of_the_server_ends_programs(tmp_path: Path) -> None:
    programs = Programs()
    failed: list[Exception] = []

    def run_long() -> None:
        try:
            script = f"touch {tmp_path}/begun; exec sleep 600"
            programs.run(["sh", "-c", script], ENVIRONMENT, b"", 600)
        except ActionFailed as error:
            failed.append(error)

    thread = threading.Thread(target=run_long)
    thread.start()
    wait_for((tmp_path / "begun").exists, "the program")
    programs.end()
    thread.join(10)
    assert "SIGTERM" in str(failed[0])
    with pytest.raises(ActionFailed, match="the server is stopping"):
        programs.run(["true"], ENVIRONMENT, b"", 10)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Answers(BaseHTTPRequestHandler):
    """Answers with the status in the path, and keeps what it got."""

    got: ClassVar[list[tuple[str, str | None, object]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, self.headers["X-Key"], json.loads(body)))
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_is_a_post_of_json(address: str) -> None:
    Answers.got.clear()
    post(f"{address}/204/path", {"X-Key": "s3cret"}, b'{"event": "motion"}', 5)
    assert Answers.got == [("/204/path", "s3cret", {"event": "motion"})]


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "HTTP 500"), (404, "HTTP 404"), (302, "another")]
)
def test_a_request_that_is_not_accepted_fails(address: str, status: int, reason: str) -> None:
    with pytest.raises(ActionFailed, match=reason) as failed:
        post(f"{address}/{status}/s3cret", {}, b"{}", 5)
    assert "s3cret" not in str(failed.value)


def test_a_server_that_cannot_be_reached_or_hangs() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/s3cret"
        with pytest.raises(ActionFailed, match=r"127\.0\.0\.1 cannot be reached") as failed:
            post(url, {}, b"{}", 5)
        assert "s3cret" not in str(failed.value)
        taken.listen()
        with pytest.raises(ActionFailed, match=r"did not answer within 0\.2 s"):
            post(url, {}, b"{}", 0.2)
