"""A program on a pseudo-terminal of its own, typed to and read as a person would."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping

from tests.process import PATIENCE


class Terminal:
    """Starts a program there; ``env`` replaces this process's environment."""

    def __init__(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True
        )
        os.close(slave)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + PATIENCE
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, until - time.monotonic()))
            assert ready, f"waited for {text!r}: {self.seen!r}"
            self.seen += os.read(self.master, 4096).decode(errors="replace")
        self.seen = self.seen.split(text, 1)[1]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
