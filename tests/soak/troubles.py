"""What happens to a server under soak: commands, an unplugged camera, a full disk, a set clock."""

from __future__ import annotations

import random
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.fakecam import FakeCam
from tests.soak.guests import CAMERAS
from tests.soak.world import Disk, World
from tests.support.process import ServerProcess

#: Answers that a command may get while cameras are unplugged and the disk is full.
EXPECTED = frozenset({"camera-failed", "disk", "not-recording", "no-picture", "busy", "too-many"})
#: How far ahead the wall clock is set, in seconds.
JUMPS = (7200.0, -86400.0, 45.0, 0.0, -30.0, 31_536_000.0, 0.0)


class Troubles:
    """Makes trouble until the end, each kind in a thread of its own.

    Arguments:
        server: the server, with the cameras CAMERAS of which the first is ``webcam``.
        webcam: what is unplugged.
        disk: what is filled; recordings go to ``folder`` on it.
        world: whose clock is set.
        until: the end, on the monotonic clock.
        seed: of what happens when.
        calm: nothing happens.
    """

    def __init__(
        self,
        server: ServerProcess,
        webcam: FakeCam,
        disk: Disk,
        folder: Path,
        world: World,
        until: float,
        seed: int,
        calm: bool = False,
    ) -> None:
        self._server, self._webcam, self._disk = server, webcam, disk
        self._folder, self._world, self._until = folder, world, until
        self._chance = random.Random(seed)
        #: How often each thing happened.
        self.count: Counter[str] = Counter()
        #: What was not as it has to be.
        self.faults: list[str] = []
        kinds = (self._steer, self._unplug, self._fill, self._set_clock, self._make_room)
        self._threads = [
            threading.Thread(target=self._guarded, args=(each,), daemon=True)
            for each in kinds[: 0 if calm else None]
        ]

    def __enter__(self) -> Troubles:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                self.faults.append(f"{thread.name} hangs")

    def command(self, line: str) -> list[str]:
        """Give a command; an answer that there is no excuse for is a fault."""
        answer = self._server.command_lines(line)
        last = answer[-1] if answer else "nothing"
        self.count["commands"] += 1
        code = last.split()[1] if last.startswith("ERR ") else ""
        if last.endswith("still being finished: try again"):
            code = "busy"  # a disk takes its time
        if last != "OK" and code not in EXPECTED:
            self.faults.append(f"{line}: {last}")
        elif code:
            self.count[code] += 1
        return answer

    def _guarded(self, kind: Callable[[], None]) -> None:
        try:
            kind()
        except BaseException as error:
            self.faults.append(f"{kind.__name__}: {error!r}")

    def _lasts(self, low: float, high: float) -> bool:
        """Wait a while; whether there is still time."""
        time.sleep(max(0.0, min(self._chance.uniform(low, high), self._until - time.monotonic())))
        return time.monotonic() < self._until

    def _steer(self) -> None:
        commands = (
            "stop",
            "start",
            "start",
            "record start",
            "record start",
            "record stop",
            "snapshot",
            "status",
        )
        while self._lasts(0.1, 1.0):
            self.command(f"{self._chance.choice(commands)} {self._chance.choice(CAMERAS)}")

    def _unplug(self) -> None:
        while self._lasts(3, 10):
            self._webcam.unplug()
            self._lasts(0.5, 4)
            self._webcam.replug()
            self.count["unplugged"] += 1

    def _fill(self) -> None:
        while self._lasts(4, 15):
            self._disk.fill()
            self._lasts(1, 4)
            self._disk.free()
            self.count["disk filled"] += 1

    def _set_clock(self) -> None:
        while self._lasts(2, 8):
            self._world.set_clock(self._chance.choice(JUMPS))
            self.count["clock set"] += 1
        self._world.set_clock(0)

    def _make_room(self) -> None:
        """Look at what was recorded, and delete it before the disk is full by itself."""
        while self._lasts(1, 2):
            if not self._disk.is_narrow():
                continue
            answer = self.command("recordings")
            names = [line.partition(": ")[2] for line in answer if line.startswith("recording: ")]
            for name in names[2:]:  # the newest come first, and may be about to be written
                path = self._folder / name
                if path.exists() and not name.endswith(".jpg"):
                    self.faults += check(path)
                    self.count["recordings checked"] += 1
                self.command(f"recordings delete '{name}'")


def check(path: Path) -> list[str]:
    """What is wrong with a recording, decoded as a whole by ffmpeg."""
    words = ["ffmpeg", "-nostdin", "-v", "error", "-stats", "-threads", "1", "-i", str(path)]
    as_it_is = ["-fps_mode", "passthrough", "-enc_time_base", "-1"]  # no frame is made or left out
    done = subprocess.run(
        [*words, *as_it_is, "-f", "null", "-"], capture_output=True, text=True, check=False
    )
    frames = re.findall(r"frame= *(\d+)", done.stderr)
    said = [line for line in re.split(r"[\r\n]", done.stderr) if line and "frame=" not in line]
    if done.returncode or said:
        return [f"{path.name} does not decode: {said[:3]}"]
    return [] if frames and int(frames[-1]) else [f"{path.name} has no picture"]
