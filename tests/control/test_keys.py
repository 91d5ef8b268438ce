"""Keys: each is a command, for one camera or all, and the terminal comes back as it was."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.fakes import make_server
from tests.process import PATIENCE, ROOT, wait_for
from twistedcam.commands import standard_commands
from twistedcam.control.keys import KEYS, Keys
from twistedcam.errors import CameraFailed
from twistedcam.processing import Process
from twistedcam.processing.code import Code
from twistedcam.sources import parse

ECHO_AND_LINES = termios.ECHO | termios.ICANON


class KeyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.make("one", "two")

    def make(self, *names: str) -> None:
        self.server = make_server(Clock(), Path(tempfile.gettempdir(), "never-written"))
        for name in names:
            self.server.add_camera(name, parse("pattern:"))
        self.registry = standard_commands()
        self.carried_out: list[tuple[str, str]] = []
        for _, _, name, _ in KEYS:
            self.note(name)
        self.said: list[str] = []
        self.keys = Keys(self.server, self.registry, self.said.append)

    def note(self, name: str) -> None:
        @self.registry.command(name)
        def noted(server: object, camera: object = None) -> None:
            self.carried_out.append((name, getattr(camera, "name", "")))

    def test_each_key_is_its_command(self) -> None:
        self.make("cam")
        self.keys.typed(" sreq")
        self.assertEqual(
            [name for name, _ in self.carried_out],
            ["start", "stop", "record start", "record stop", "shutdown"],
        )
        self.assertEqual(self.said[0], "cam: start: OK")

    def test_a_key_is_for_all_cameras_until_one_is_chosen(self) -> None:
        self.keys.typed("s2s0s")
        self.assertEqual(
            [camera for _, camera in self.carried_out], ["one", "two", "two", "one", "two"]
        )

    def test_a_camera_that_user_code_makes_is_not_meant_until_it_is_chosen(self) -> None:
        self.make("cam")
        self.server.add_process(Process("cam", Code.of(len), "thread"))
        self.keys.typed("r2r")
        self.assertEqual([camera for _, camera in self.carried_out], ["cam", "cam.len"])

    def test_what_means_nothing_does_nothing(self) -> None:
        self.keys.typed("x9\n\u00e4")
        self.keys.typed("\x1b[sq")
        self.assertEqual(self.carried_out, [])
        self.assertEqual(self.said, ["there is no camera 9; there is 1 to 2"])

    def test_help_names_every_key(self) -> None:
        self.keys.typed("?")
        for _, shown, _, about in KEYS:
            self.assertIn(f"{shown} {about}", self.said[0])

    def test_what_failed_is_said(self) -> None:
        self.make("cam")

        @self.registry.command("start")
        async def fail(server: object, camera: object) -> None:
            raise CameraFailed("it is in use")

        self.keys.press(" ")
        self.assertEqual(self.said, ["cam: start: it is in use"])


class Shell:
    """``twistedcam serve`` on a pseudo-terminal that controls it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.master, self.slave = pty.openpty()
        local = "tcp:0:interface=127.0.0.1"
        command = [sys.executable, "-m", "twistedcam", "serve", "--no-http", "--no-listen"]
        command += ["--control", local, "--camera", "pattern:?fps=20&size=160x120"]
        command += ["--recordings", str(folder), "--stopped", *options]
        self.before = self.mode()
        self.process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=lambda: _control(0),
        )
        self.seen = ""

    def mode(self) -> list[object]:
        return termios.tcgetattr(self.slave)

    def is_back(self) -> bool:
        return self.mode() == self.before

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + PATIENCE
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, until - time.monotonic()))
            assert ready, f"waited for {text!r}: {self.seen!r}"
            self.seen += os.read(self.master, 4096).decode()
        self.seen = self.seen.split(text, 1)[1]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def _control(fd: int) -> None:
    """Make ``fd`` the terminal that controls this new session."""
    import fcntl

    os.setsid()
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Shell]]:
    made: list[Shell] = []

    def start(*options: str) -> Shell:
        made.append(Shell(tmp_path, *options))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_a_person_at_the_server_s_terminal(serve: Callable[..., Shell]) -> None:
    shell = serve()
    shell.wait_for("keys: space start")
    assert not shell.mode()[3] & ECHO_AND_LINES  # type: ignore[operator]
    shell.type(" ")
    shell.wait_for("cam: start: OK")
    shell.type("r")
    shell.wait_for("cam: record start: cam_")
    shell.type("e")
    shell.wait_for("cam: record stop: cam_")
    shell.type("s")
    shell.wait_for("cam: stop: OK")
    shell.type("?")
    shell.wait_for("? help")
    shell.type("q")
    assert shell.process.wait(PATIENCE) == 0
    assert shell.is_back()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_the_terminal_is_back_after_a_signal(serve: Callable[..., Shell], number: int) -> None:
    shell = serve()
    shell.wait_for("keys:")
    shell.process.send_signal(number)
    shell.process.wait(PATIENCE)
    assert shell.is_back()


def test_the_terminal_is_back_while_the_server_is_suspended(serve: Callable[..., Shell]) -> None:
    shell = serve()
    shell.wait_for("keys:")
    shell.process.send_signal(signal.SIGTSTP)
    wait_for(shell.is_back, "the terminal to be given back")
    # A session's first process is not stopped by its terminal's key: it goes on by itself.
    shell.process.send_signal(signal.SIGCONT)
    wait_for(lambda: not shell.is_back(), "the terminal to be taken again")
    shell.type("q")
    assert shell.process.wait(PATIENCE) == 0
    assert shell.is_back()


def test_without_keys_the_terminal_is_left_alone(serve: Callable[..., Shell]) -> None:
    shell = serve("--no-keys")
    shell.wait_for("stop      Ctrl-C")
    assert shell.is_back()
    shell.process.terminate()
    assert shell.process.wait(PATIENCE) == 0
    assert "keys:" not in shell.seen
