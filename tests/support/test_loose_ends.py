"""What a test leaves behind fails it, be it trial's or a plain function."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.process import PATIENCE, ROOT

LEFT = '''
import socket
import threading
import warnings

from twisted.internet.defer import fail
from twisted.logger import Logger
from twisted.trial.unittest import TestCase


def raising() -> None:
    raise ValueError("lost")


def a_ring(thing: object) -> None:
    """Only the garbage collector finds it."""
    ring = [thing]
    ring.append(ring)


def test_good() -> None:
    fail(ValueError("taken")).addErrback(lambda _: None)
    socket.socket().close()


def test_dropped() -> None:
    fail(ValueError("lost"))


def test_dropped_in_a_ring() -> None:
    a_ring(fail(ValueError("lost")))


def test_dropped_socket() -> None:
    socket.socket()


def test_dropped_socket_in_a_ring() -> None:
    a_ring(socket.socket())


def test_warning() -> None:
    warnings.warn("lost", DeprecationWarning)


def test_logged() -> None:
    try:
        raising()
    except ValueError:
        Logger().failure("lost")


def test_thread() -> None:
    thread = threading.Thread(target=raising)
    thread.start()
    thread.join()


class Cases(TestCase):
    def test_good(self) -> None:
        test_good()

    def test_dropped(self) -> None:
        test_dropped()

    def test_dropped_in_a_ring(self) -> None:
        test_dropped_in_a_ring()

    def test_dropped_socket(self) -> None:
        test_dropped_socket()

    def test_dropped_socket_in_a_ring(self) -> None:
        test_dropped_socket_in_a_ring()

    def test_warning(self) -> None:
        test_warning()

    def test_thread(self) -> None:
        test_thread()
'''


def test_a_test_fails_for_what_it_leaves_behind(tmp_path: Path) -> None:
    file = tmp_path / "test_left.py"
    file.write_text(LEFT)
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-rA", "--tb=no"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.loose_ends", *options, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    outcomes: dict[str, set[str]] = {}
    for word, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+\.py::(\S+)", done.stdout, re.M):
        outcomes.setdefault(name, set()).add(word)
    good = {name for name, found in outcomes.items() if found == {"PASSED"}}
    assert good == {"test_good", "Cases::test_good"}, done.stdout
    assert len(outcomes) == LEFT.count("def test_")
