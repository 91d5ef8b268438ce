"""A program on a pseudo-terminal of its own, typed to and read as a person would."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyte

from tests.support.process import PATIENCE

#: What a person's typing needs of a terminal: to be shown, and to come in whole lines.
ECHO_AND_LINES = termios.ECHO | termios.ICANON


class Terminal:
    """Starts a program there, in a session that the terminal controls.

    Arguments:
        env: replaces this process's environment.
        size: columns and lines.
    """

    def __init__(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        size: tuple[int, int] = (80, 24),
    ) -> None:
        self.master, slave = pty.openpty()
        self.resize(*size)
        self.before = self.mode()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.seen = ""
        #: All that was read; ``seen`` is what has come behind the text that was waited for.
        self.transcript = ""

    def resize(self, columns: int, lines: int) -> None:
        """As a person drags the window; whoever is in the foreground is told."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def mode(self) -> list[object]:
        """The terminal's settings (termios.tcgetattr)."""
        return termios.tcgetattr(self.master)

    def is_back(self) -> bool:
        """Whether the terminal is as it was found."""
        return self.mode() == self.before

    def takes_keys(self) -> bool:
        """Whether keys come one by one, and are not shown."""
        return not self.mode()[3] & ECHO_AND_LINES  # type: ignore[operator]

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, text: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Read on until ``text`` was shown; ``meanwhile`` is called again and again."""
        until = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < until, f"waited for {text!r}: {self.seen!r}"
            meanwhile()
            piece = self._read()
            self.seen += piece
            self.transcript += piece
        self.seen = self.seen.split(text, 1)[1]

    def _read(self) -> str:
        """What came within a fifth of a second."""
        if not select.select([self.master], [], [], 0.2)[0]:
            return ""
        return os.read(self.master, 4096).decode(errors="replace")

    def hang_up(self) -> None:
        """As a person closes the window."""
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        """End the program, and what it has left in its session."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pid in _session(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.master >= 0:
            self.hang_up()


class Screen(Terminal):
    """A terminal whose screen can be looked at: a program that fills it draws only what changed."""

    def __init__(
        self, *command: str, env: Mapping[str, str] | None = None, size: tuple[int, int]
    ) -> None:
        self._screen = pyte.Screen(*size)
        self._stream = pyte.Stream(self._screen)
        super().__init__(*command, env=env, size=size)

    def resize(self, columns: int, lines: int) -> None:
        super().resize(columns, lines)
        self._screen.resize(lines, columns)

    @property
    def shown(self) -> str:
        """The lines of the screen, without the blanks at their ends."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_to_show(self, text: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Read on until ``text`` stands on the screen; ``meanwhile`` is called again and again."""
        until = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < until, f"waited for {text!r}:\n{self.shown}"
            meanwhile()
            self._read()

    def _read(self) -> str:
        read = super()._read()
        self._stream.feed(read)
        return read


def _session(leader: int) -> list[int]:
    """The processes of a session (proc(5): the fourth field behind the name)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                found.append(int(stat.parent.name))
    return found
