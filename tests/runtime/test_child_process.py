"""Child processes: what they import, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

import twistedcam
from tests.support.process import wait_for
from twistedcam.runtime.child_process import (
    ChildProcess,
    child_environment,
    describe_exit,
    last_line,
    module_command,
    package_root,
    wait_or_kill,
)

#: Modules: the first ends with its input, the second ignores its input.
READS, SERVES = ["tokenize"], ["http.server", "--bind", "127.0.0.1", "0"]


def test_the_root_holds_the_package() -> None:
    assert package_root() / "twistedcam" / "__init__.py" == Path(twistedcam.__file__)


def test_a_child_imports_the_same_package_from_any_folder(tmp_path: Path) -> None:
    code = "import twistedcam; print(twistedcam.__file__)"
    command = [sys.executable, "-P", "-S", "-c", code]
    environment = child_environment()
    site = [path for path in sys.path if path.endswith("site-packages")]
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], *site])
    found = subprocess.check_output(command, cwd=tmp_path, env=environment, text=True)
    assert found.strip() == twistedcam.__file__


@pytest.mark.parametrize(("before", "after"), [("", ""), ("/a", ":/a")])
def test_the_path_that_was_set_is_kept(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", before)
    after = after.replace(":", os.pathsep)
    assert child_environment()["PYTHONPATH"] == f"{package_root()}{after}"


def test_the_import_path_may_be_another() -> None:
    path = os.pathsep.join(["/a", "/b"])
    assert child_environment(["/a", "/b"]) == {**os.environ, "PYTHONPATH": path}


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-9, "was ended by SIGKILL"),
        (-40, "was ended by signal 40"),
    ],
)
def test_an_exit_status_is_described(status: int, how: str) -> None:
    assert describe_exit(status) == how


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"one\ntwo \n\n", "two"),
        ("one\ntwo", "two"),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_last_line_of_what_a_process_wrote(output: bytes | str, line: str) -> None:
    assert last_line(output) == line


def test_a_process_that_ends_in_time_is_not_killed() -> None:
    process = subprocess.Popen(module_command(*READS), stdin=subprocess.DEVNULL)
    assert wait_or_kill(process, 30) == 0


def test_a_process_that_does_not_end_is_killed() -> None:
    process = subprocess.Popen(
        module_command(*SERVES), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert wait_or_kill(process, 0.1) == -9


def test_one_that_ignores_its_end_does_not_outlive_the_program() -> None:
    program = """
import sys
from twisted.internet import reactor
from twistedcam.runtime.child_process import ChildProcess

child = ChildProcess(reactor, [sys.executable, "-c", "import time; time.sleep(120)"])
child.wait_or_kill(60)
print(child.transport.pid, flush=True)
reactor.callLater(0, reactor.stop)
# The end of the process may be noticed before that of the program.
reactor.addSystemEventTrigger("after", "shutdown", lambda: reactor.iterate(0.5))
reactor.run()
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=package_root(), capture_output=True, text=True, check=True)
    pid, errors = done.stdout, done.stderr
    assert not errors
    asked = ["ps", "-o", "stat=", "-p", pid.strip()]

    def is_over() -> bool:  # nobody may wait for it
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        return said.strip()[:1] in ("", "Z")

    wait_for(is_over, "the end of the process")


class ChildProcessTests(TestCase):
    def start(self, *module: str) -> ChildProcess:
        self.ends: list[Failure] = []
        return ChildProcess(reactor, module_command(*module), on_end=self.ends.append)

    async def test_one_that_ends_in_time_is_not_killed(self) -> None:
        child = self.start(*READS)
        child.transport.closeStdin()  # type: ignore[union-attr]
        await child.wait_or_kill(30)
        [reason] = self.ends
        self.assertIsInstance(reason.value, ProcessDone)
        await child.wait_or_kill(30)  # it has ended already

    async def test_one_that_does_not_end_is_killed(self) -> None:
        child = self.start(*SERVES)
        first, second = child.wait_or_kill(0.1), child.wait_or_kill(30)
        await first
        await second
        [reason] = self.ends
        assert isinstance(reason.value, ProcessTerminated)
        self.assertEqual(reason.value.signal, 9)

    async def test_an_unexpected_end_is_reported(self) -> None:
        ended: Deferred[None] = Deferred()
        command = module_command("no_such_module")
        ChildProcess(reactor, command, {2: "r"}, lambda reason: ended.errback(reason))
        why = await self.assertFailure(ended, ProcessTerminated)
        self.assertEqual(why.exitCode, 1)
