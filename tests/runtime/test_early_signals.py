"""Signals that come while the program is loaded are kept until somebody handles them."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.support.process import PATIENCE

PROGRAM = """
import signal, sys
from twistedcam.runtime.early_signals import EarlySignals
early = EarlySignals()
signal.raise_signal(signal.{name})
assert early.came
{rest}
"""


def run(name: str, rest: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(name=name, rest=rest)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_signal_is_kept_and_the_second_ends_the_program(name: str) -> None:
    number = getattr(signal, name)
    done = run(name, "print('alive', flush=True)\nsignal.raise_signal(signal." + name + ")")
    assert done.stdout == "alive\n"
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in done.stderr
    else:
        assert done.returncode == -number


def test_a_signal_between_two_handlers_is_not_lost() -> None:
    rest = (
        "early.give_back()\n"
        "import os; os.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('handled', flush=True))\n"
        "early.let_in()\n"
    )
    done = run("SIGTERM", rest)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


def test_an_ignored_signal_stays_ignored() -> None:
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from twistedcam.runtime.early_signals import EarlySignals\n"
        "early = EarlySignals(); signal.raise_signal(signal.SIGINT); assert not early.came\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE)
    assert done.returncode == 0
