"""Statistics of received frames."""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections import deque
from dataclasses import asdict, dataclass

from twistedcam.clients.frames import ClockOffset
from twistedcam.media.packet import Packet
from twistedcam.util.rate import Rate

_AGES = 20_000


@dataclass(frozen=True)
class ViewerStats:
    """One line of statistics. Ages are milliseconds from capture to use, by the camera's clock."""

    camera: str
    state: str
    reason: str | None
    fps: float
    frames: int
    missed: int
    kbit_s: float
    age_ms: float | None
    age_p50_ms: float | None
    age_p99_ms: float | None
    clock_offset_ms: float | None
    clocks_disagree: bool
    round_trip_ms: float | None

    def as_json(self) -> str:
        """Return the statistics as a JSON object."""
        return json.dumps(asdict(self))

    def as_line(self) -> str:
        """Return the statistics as a line of text."""
        text = f"{self.camera or 'camera'} {self.state}"
        if self.state != "live":
            return text + (f": {self.reason}" if self.reason else "")
        text += f"  {self.fps:.1f} fps  {self.kbit_s / 1000:.1f} Mbit/s  missed {self.missed}"
        if self.age_p50_ms is not None and self.age_p99_ms is not None:
            text += f"  age {self.age_p50_ms:.0f} ms, p99 {self.age_p99_ms:.0f} ms"
        return text + (f"  {self.clock_note}" if self.clocks_disagree else "")

    @property
    def clock_note(self) -> str:
        """Return the difference of the clocks in words."""
        offset = self.clock_offset_ms or 0.0
        return f"clocks disagree: the server's is {abs(offset):.0f} ms {word(offset)}"


class FrameAges:
    """The last ages in sorted order, because each picture needs a percentile."""

    def __init__(self, most: int = _AGES) -> None:
        self._most = most
        self._came: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, age: float) -> None:
        """Add an age. Beyond the limit the oldest one is removed."""
        self._came.append(age)
        insort(self._sorted, age)
        if len(self._came) > self._most:
            del self._sorted[bisect_left(self._sorted, self._came.popleft())]

    def percentile(self, share: float) -> float | None:
        """Return the age at a quantile from 0 to 1."""
        if not self._sorted:
            return None
        return self._sorted[min(len(self._sorted) - 1, int(share * len(self._sorted)))]


class Meter:
    """Counts frames and their ages when they are used."""

    def __init__(self) -> None:
        self.frames = 0
        self.age: float | None = None
        self._rate = Rate()
        self._ages = FrameAges()
        self._bytes: deque[tuple[float, int]] = deque()

    def used(self, frame: Packet, clock: ClockOffset, wall: float, now: float) -> None:
        """Count a drawn or saved frame, at ``wall`` UNIX seconds and ``now`` monotonic seconds."""
        self.frames += 1
        self._rate.tick(now)
        self.age = wall - frame.time + (clock.seconds if clock.disagrees else 0.0)
        self._ages.add(self.age)
        self._bytes.append((now, len(frame.data)))
        self._forget(now)

    def fps(self, now: float) -> float:
        """Return frames per second over the last second."""
        return self._rate.current(now)

    def kbit_s(self, now: float) -> float:
        """Return kilobits of frames per second over the last second."""
        self._forget(now)
        return sum(size for _, size in self._bytes) * 8 / 1000

    def percentile(self, share: float) -> float | None:
        """Return the age in seconds at a quantile from 0 to 1."""
        return self._ages.percentile(share)

    def _forget(self, now: float) -> None:
        while self._bytes and now - self._bytes[0][0] > 1.0:
            self._bytes.popleft()


def word(offset: float) -> str:
    """Return ``ahead`` or ``behind`` for an offset."""
    return "ahead" if offset > 0 else "behind"
