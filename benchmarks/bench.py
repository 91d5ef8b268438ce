"""The settings that the parts of the benchmark share, and their camera."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.servers import Contestant, Running, contestants, running
from tests.fakecam import FakeCam, Format

#: What a part found out: as it stands in the JSON.
Found = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """The numbers of viewers, seconds and repeats.

    Arguments:
        viewers: the numbers of viewers, ascending.
        seconds: of one measurement.
        repeats: of each measurement that is compared with another.
        slow_seconds: that slow viewers watch.
        servers: those whose name contains this.
    """

    viewers: tuple[int, ...] = (50, 200, 500)
    seconds: float = 3.5
    repeats: int = 3
    slow_seconds: float = 16
    servers: str = ""

    @property
    def crowd(self) -> int:
        """The number of viewers while something else is measured."""
        return min(200, self.viewers[-1])

    def say(self, text: str) -> None:
        """Print the progress."""
        print(text, file=sys.stderr, flush=True)

    def contestants(self) -> list[Contestant]:
        """The selected servers that are installed."""
        return [each for each in contestants() if each.there and self.servers in each.name]

    @contextmanager
    def running(self, contestant: Contestant) -> Iterator[Running]:
        """Start a server on its own fake webcam."""
        with webcam() as camera, running(contestant, camera.env) as server:
            yield server


class Part(Protocol):
    """A module of this folder that measures one thing."""

    TITLE: str

    def measure(self, bench: Bench) -> Found:
        """Measure, and return the results."""

    def tell(self, found: Found) -> list[str]:
        """The results as lines of Markdown."""


def webcam() -> FakeCam:
    """The camera of all servers: 98 KB a frame, with the time of capture in each."""
    return FakeCam([Format("MJPG", 1280, 720, (30,))], stamp=True)
