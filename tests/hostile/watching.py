"""What a viewer with a right token sees meanwhile, and how much memory the server takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.footprint import Footprint
from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.auth import Grant, TokenFile
from twistedcam.clients.frames.address import parse_target
from twistedcam.clients.frames.blocking import FrameReader
from twistedcam.media.frame import Frame

CAMERA = "cam=pattern:?size=1280x720&fps=30"


@dataclass
class Seen:
    """Pictures that a viewer got.

    Arguments:
        ages: of each picture when it came, in seconds.
        times: when it came, on the monotonic clock.
    """

    ages: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def add(self, frame: Frame) -> None:
        """Take a picture in."""
        self.ages.append(time.time() - frame.time_us / 1e6)
        self.times.append(time.monotonic())

    @property
    def oldest(self) -> float:
        """The age to which the newest picture at hand ever grew, in seconds."""
        shown = [
            age + later - now
            for age, now, later in zip(self.ages, self.times, self.times[1:], strict=False)
        ]
        return max(shown, default=float("inf"))

    @property
    def fps(self) -> float:
        """Pictures a second."""
        span = self.times[-1] - self.times[0] if len(self.times) > 1 else 0.0
        return (len(self.times) - 1) / span if span else 0.0


class Target:
    """A server that has tokens, and a viewer of its camera."""

    def __init__(self, folder: Path) -> None:
        file = TokenFile(folder / "tokens.toml")
        self.token = file.add(Grant("viewer", frozenset({"view"})))
        self.server = ServerProcess(
            folder / "recordings",
            *("--http", "tcp:0:interface=127.0.0.1", "--tokens", str(file.path)),
            *("--camera", CAMERA),
        )
        self.seen = Seen()

    def port(self, door: str) -> int:
        """The number of a port, by its name in ``Attack.door``."""
        if door == "http":
            return int(self.server.http.rpartition(":")[2])
        return (self.server.frames if door == "frames" else self.server.control)[1]

    def memory(self) -> int:
        """Bytes of memory that are no file's, which the server has now."""
        return Footprint(self.server.process.pid).anonymous * 1024

    @contextmanager
    def watched(self) -> Iterator[FrameReader]:
        """A viewer that has a picture already; what it gets from then on is in ``seen``."""
        host, port = self.server.frames
        target = parse_target(f"twistedcam://{host}:{port}/cam").with_options(None, self.token)
        reader = FrameReader(target, reconnect=False, on_frame=lambda frame: self.seen.add(frame))
        reader.start()
        try:
            wait_for(lambda: self.seen.times, "a picture")
            yield reader
        finally:
            reader.close()


@contextmanager
def target() -> Iterator[Target]:
    """A server in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        made = Target(Path(folder))
        with made.server:
            yield made


@dataclass
class Outcome:
    """What came of an attack.

    Arguments:
        seen: what the viewer got meanwhile.
        memory: bytes that the server took at most beyond what it had before.
    """

    seen: Seen
    memory: int


def attack(made: Target, name: str, door: str, seconds: float) -> Outcome:
    """Carry out an attack from a process of its own while a viewer watches."""
    made.seen = Seen()
    with made.watched() as reader:
        made.seen = seen = Seen()
        before = made.memory()
        memory = _Highest(made, before)
        words = [sys.executable, "-m", "tests.hostile.attacks", name, str(made.port(door))]
        with subprocess.Popen([*words, str(seconds)]) as attacker:
            memory.start()
            try:
                attacker.wait(seconds + PATIENCE)
            finally:
                attacker.kill()
                memory.end()
        assert attacker.returncode == 0, name
        assert reader.error is None, f"{name}: the viewer was disconnected: {reader.error}"
        count = len(seen.times)
        wait_for(lambda: len(seen.times) > count, "another picture")
    return Outcome(seen, memory.bytes)


class _Highest:
    """The most memory that a server has above a level, looked at 20 times a second."""

    def __init__(self, made: Target, level: int) -> None:
        self.bytes = 0
        self._made, self._level = made, level
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self.bytes = max(self.bytes, self._made.memory() - self._level)
