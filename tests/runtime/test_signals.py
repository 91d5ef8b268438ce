"""Signals are recorded while the program is loaded, and one of many ends it cleanly."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.errors import NoServer

SHUTDOWN, TERM, INT = "shutdown", signal.SIGTERM, signal.SIGINT


@pytest.mark.parametrize("asked", [(TERM, TERM, INT), (SHUTDOWN, TERM, TERM), (INT, SHUTDOWN)])
def test_who_asks_for_the_end_again_does_not_disturb_it(
    tmp_path: Path, asked: tuple[str | int, ...]
) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?size=160x120&fps=20") as server:
        with BlockingClient("tcp:{}:{}".format(*server.control), PATIENCE) as client:
            client.ask("start")
            name = client.ask("record", "start")["recording"]
            wait_for(lambda: client.ask("status")["recording_frames"], "a frame in the file")
            for each in asked:
                if isinstance(each, str):
                    with contextlib.suppress(NoServer):  # it may have ended already
                        client.ask(each)
                else:
                    server.process.send_signal(each)
        assert server.process.wait(PATIENCE) == 0
        assert "Traceback" not in server.log
    assert (tmp_path / name).is_file()


def test_a_late_signal_does_not_change_the_exit_status(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:") as server:
        server.process.send_signal(TERM)
        while server.process.poll() is None:
            server.process.send_signal(INT)
        assert server.process.returncode == 0
        assert "Traceback" not in server.log


PROGRAM = """
import signal, sys
from twistedcam.runtime.signals import EarlySignals
early = EarlySignals()
signal.raise_signal(signal.{name})
assert early.is_end_requested
{rest}
"""


def run(name: str, rest: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(name=name, rest=rest)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_signal_is_recorded_and_the_second_ends_the_program(name: str) -> None:
    number = getattr(signal, name)
    done = run(name, "print('alive', flush=True)\nsignal.raise_signal(signal." + name + ")")
    assert done.stdout == "alive\n"
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in done.stderr
    else:
        assert done.returncode == -number


def test_a_signal_between_two_handlers_is_not_lost() -> None:
    rest = (
        "early.release()\n"
        "import os; os.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('handled', flush=True))\n"
        "early.unblock()\n"
    )
    done = run("SIGTERM", rest)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


def test_an_ignored_signal_stays_ignored() -> None:
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from twistedcam.runtime.signals import EarlySignals\n"
        "early = EarlySignals(); signal.raise_signal(signal.SIGINT)\n"
        "assert not early.is_end_requested\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE)
    assert done.returncode == 0
