"""The keys of a server in a terminal, and the terminal's settings afterwards."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ROOT, wait_for
from tests.support.terminal import Terminal
from twistedcam.clients.control.blocking import BlockingClient

SERVE = (sys.executable, "-m", "twistedcam", "serve")
RUN_TWISTD = "from twisted.scripts.twistd import run; run()"
TWISTD = (sys.executable, "-c", RUN_TWISTD, "--pidfile=twistd.pid", "--logfile=twistd.log")
#: The usual environment, with buffered output, which cannot be flushed to a closed terminal.
ENV = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
ENV |= {"PYTHONPATH": str(ROOT), "PS1": "$ ", "ENV": ""}


class Serving(Terminal):
    """``twistedcam serve``, or another program with its options, on a terminal."""

    def __init__(self, folder: Path, *options: str, program: Sequence[str] = SERVE) -> None:
        local = "tcp:0:interface=127.0.0.1"
        command = [
            *program,
            "--no-http",
            "--no-rtsp",
            "--no-listen",
            "--control",
            local,
            "--stopped",
        ]
        command += ["--camera", "pattern:?fps=20&size=160x120", "--recordings", str(folder)]
        super().__init__(*command, *options, env=ENV, cwd=folder)


def quit_by_keys(terminal: Terminal) -> None:
    terminal.type("q")
    terminal.wait_for("press q again")
    terminal.type("q")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    made: list[Serving] = []

    def start(*options: str, program: Sequence[str] = SERVE) -> Serving:
        made.append(Serving(tmp_path, *options, program=program))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_a_person_at_the_server_s_terminal(serve: Callable[..., Serving], tmp_path: Path) -> None:
    terminal = serve()
    terminal.wait_for("keys: space start")
    assert terminal.takes_keys()
    terminal.type(" ")
    terminal.wait_for("cam is live")
    terminal.type("r")
    terminal.wait_for("cam: recording to cam_")
    wait_for(lambda: any(tmp_path.glob(".*.part")), "a picture in the file")
    terminal.type("e")
    terminal.wait_for("cam: recorded cam_")
    terminal.type("s")
    terminal.wait_for("cam is stopped")
    terminal.type("s")
    terminal.wait_for("cam: stop: OK")  # nothing has changed, so the log has no message
    terminal.type("?")
    terminal.wait_for("? help")
    quit_by_keys(terminal)
    assert terminal.process.wait(PATIENCE) == 0
    assert terminal.is_back()
    seen = terminal.transcript
    assert seen.count(".mp4") == 2  # at the start and at the end
    assert re.search(r"cam: recorded cam_\S+\.mp4 \(0:0\d, [\d.]+ KB\)", seen)
    assert not [word for word in (" starting on ", "Port ", "Main loop") if word in seen]


def test_without_a_log_in_the_terminal_each_key_has_a_message(
    serve: Callable[..., Serving], tmp_path: Path
) -> None:
    terminal = serve("--log", str(tmp_path / "log"))
    terminal.wait_for("keys: space start")
    for key, answer in (
        (" ", "cam: start: OK"),
        ("r", "cam: record start: cam_"),
        ("e", "cam: record stop: recorded cam_"),
        ("s", "cam: stop: OK"),
    ):
        terminal.type(key)
        terminal.wait_for(answer)
    assert re.search(r"recorded cam_\S+\.mp4 \(0:0\d, [\d.]+ KB\)", terminal.transcript)
    quit_by_keys(terminal)
    assert terminal.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_the_terminal_is_restored_after_a_signal(
    serve: Callable[..., Serving], number: int
) -> None:
    terminal = serve()
    terminal.wait_for("keys:")
    terminal.process.send_signal(number)
    terminal.process.wait(PATIENCE)
    assert terminal.is_back()


def test_the_terminal_is_restored_while_the_server_is_suspended(
    serve: Callable[..., Serving],
) -> None:
    terminal = serve()
    terminal.wait_for("keys:")
    terminal.process.send_signal(signal.SIGTSTP)
    wait_for(terminal.is_back, "the terminal to be given back")

    def taken_again() -> bool:
        # A session's first process is not stopped by its terminal's key: it goes on by itself. The
        # kernel forgets a SIGCONT that comes just as it sends itself the signal that would stop it.
        terminal.process.send_signal(signal.SIGCONT)
        return not terminal.is_back()

    wait_for(taken_again, "the terminal to be taken again")
    quit_by_keys(terminal)
    assert terminal.process.wait(PATIENCE) == 0
    assert terminal.is_back()


def test_without_keys_the_terminal_does_not_change(serve: Callable[..., Serving]) -> None:
    terminal = serve("--no-keys")
    terminal.wait_for("stop      Ctrl-C")
    assert terminal.is_back()
    terminal.process.terminate()
    assert terminal.process.wait(PATIENCE) == 0
    assert "keys:" not in terminal.seen


def test_ctrl_z_and_fg_in_a_shell(tmp_path: Path) -> None:
    """The shell has its terminal back meanwhile, and the server its keys afterwards."""
    words = [
        *SERVE,
        "--no-http",
        "--no-rtsp",
        "--no-listen",
        "--control",
        "tcp:0:interface=127.0.0.1",
    ]
    words += ["--camera", "pattern:?fps=20&size=160x120", "--stopped"]
    shell = Terminal("/bin/sh", "-i", env=ENV, cwd=tmp_path)
    try:
        shell.wait_for("$ ")
        shell.type(shlex.join(words) + "\n")
        shell.wait_for("keys: space start")
        shell.type("\x1a")
        shell.wait_for("Stopped")
        shell.wait_for("$ ")
        shell.type("stty -a\n")
        shell.wait_for(" icanon ")
        shell.wait_for(" echo ")
        shell.wait_for("$ ")
        shell.type("fg\n")
        wait_for(shell.takes_keys, "the terminal to be taken again")
        shell.type(" ")
        shell.wait_for("cam is live")
        quit_by_keys(shell)
        shell.wait_for("$ ")
        shell.type("echo ended with $?\n")
        shell.wait_for("ended with 0")
        shell.type("exit\n")
        shell.process.wait(PATIENCE)
    finally:
        shell.close()


def test_a_server_reads_keys_when_it_comes_to_the_foreground(tmp_path: Path) -> None:
    words = [
        *SERVE,
        "--no-http",
        "--no-rtsp",
        "--no-listen",
        "--control",
        "tcp:0:interface=127.0.0.1",
    ]
    words += ["--camera", "pattern:?fps=20&size=160x120"]
    shell = Terminal("/bin/sh", "-i", env=ENV, cwd=tmp_path)
    try:
        shell.wait_for("$ ")
        shell.type(shlex.join(words) + " &\n")
        shell.wait_for("cam is live")
        for command, back in (("fg\n", "\x1a"), ("fg\n", "\x1a"), ("bg\n", "")):
            assert "cam is stopped" not in shell.seen
            shell.type("stty -a\n")
            shell.wait_for(" icanon ")
            shell.type(command)
            if back:
                wait_for(shell.takes_keys, "the keys")
                shell.type(back)
                shell.wait_for("Stopped")
        shell.type("echo ss$((1+1)) qq\n")  # input for the shell
        shell.wait_for("ss2 qq")
        shell.type("fg\n")
        wait_for(shell.takes_keys, "the keys")
        shell.type("s")
        shell.wait_for("cam is stopped")
        quit_by_keys(shell)
        shell.wait_for("shutdown: OK")
    finally:
        shell.close()


def test_a_server_stops_when_its_terminal_is_closed(
    serve: Callable[..., Serving], tmp_path: Path
) -> None:
    terminal = serve("--control", "unix:control")
    terminal.wait_for("keys:")
    with BlockingClient(f"unix:{tmp_path / 'control'}", PATIENCE) as client:
        client.ask("start")
        name = client.ask("record", "start")["recording"]
        wait_for(lambda: client.ask("status")["recording_frames"], "a frame in the file")
        terminal.hang_up()
        assert terminal.process.wait(PATIENCE) == 0
    assert (tmp_path / name).is_file()


def test_twistd_in_the_foreground_reads_keys(serve: Callable[..., Serving]) -> None:
    terminal = serve(program=(*TWISTD, "-n", "twistedcam"))
    terminal.wait_for("keys: space start")
    terminal.type(" ")
    terminal.wait_for("cam: start: OK")
    quit_by_keys(terminal)
    assert terminal.process.wait(PATIENCE) == 0
    assert terminal.is_back()


def test_a_daemon_does_not_change_the_terminal(
    serve: Callable[..., Serving], tmp_path: Path
) -> None:
    terminal = serve("--control", "unix:control", program=(*TWISTD, "twistedcam"))
    assert terminal.process.wait(PATIENCE) == 0
    log = tmp_path / "twistd.log"
    wait_for(lambda: (tmp_path / "control").exists(), "the daemon")
    with BlockingClient(f"unix:{tmp_path / 'control'}", PATIENCE) as client:
        client.ask("start")
        assert terminal.is_back()
        client.ask("shutdown")
    wait_for(lambda: not (tmp_path / "twistd.pid").exists(), "the daemon's end")
    assert "keys:" not in log.read_text()
    assert "Traceback" not in log.read_text()


RAISES = """
from twisted.internet import reactor
from twistedcam.servers.console.terminal import Terminal

def ready():
    print("ready", flush=True)
    reactor.callLater(0, reactor.crash)

Terminal(reactor, print, ready).startService()
reactor.run()
raise RuntimeError("a bug")
"""


def test_the_terminal_is_restored_after_an_exception() -> None:
    terminal = Terminal(sys.executable, "-c", RAISES, env=ENV)
    try:
        terminal.wait_for("ready")
        terminal.wait_for("a bug")
        assert terminal.process.wait(PATIENCE) == 1
        assert terminal.is_back()
    finally:
        terminal.close()


SPEAKS_LATE = """
import contextlib, signal, sys
from twistedcam.servers.console.terminal import discard_output

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
print("ready", flush=True)
signal.sigwait([signal.SIGHUP])
with contextlib.suppress(OSError):
    print("a word that nobody hears", flush=True)
if "nobody" in sys.argv:
    discard_output()
"""


@pytest.mark.parametrize(("word", "code"), [("somebody", 120), ("nobody", 0)])
def test_output_to_a_closed_terminal_does_not_change_the_exit_code(word: str, code: int) -> None:
    terminal = Terminal(sys.executable, "-c", SPEAKS_LATE, word, env=ENV)
    try:
        terminal.wait_for("ready")
        terminal.hang_up()
        assert terminal.process.wait(PATIENCE) == code
    finally:
        terminal.close()
