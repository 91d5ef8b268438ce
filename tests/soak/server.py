"""Hours of comings and goings against a real server, and then what is left over.

    python -m tests.soak --seconds 60

Two hundred viewers come and go, stop reading, send garbage and die; a webcam is unplugged and
plugged in again; recordings begin and end; the disk fills and is freed; the wall clock jumps.
Afterwards every recording decodes; no thread, file, timer or Deferred is left over; the memory is
what it was after the first minute, where it takes two or more; the log has no traceback. In an
hour all are sent away four times, and it is looked each time: so growth is told from a plateau.
Ends with 1 if one of these is not so, and says which.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fakecam import FakeCam, Format
from tests.soak.footprint import Footprint
from tests.soak.guests import CAMERAS, guests
from tests.soak.holdings import Holdings
from tests.soak.troubles import Troubles, check
from tests.soak.world import Disk, World, make_disk
from tests.support.process import ServerProcess, wait_for
from twistedcam.automation.database import RETRY

VIEWERS = 200
#: Seconds until the first look.
WARM = 60.0
#: How much more memory there may be at the end than after the first minute.
GROWTH = 1.05
#: Seconds between two lines that say how much memory there is.
LOOK_EVERY = 60.0
#: Seconds between two looks when all are gone; then much fewer things go up and down.
QUIET_EVERY = 900.0
LOCAL = "tcp:0:interface=127.0.0.1"


class SoakedServer(ServerProcess):
    """A server that can be asked what it holds."""

    def __init__(self, folder: Path, told: Path, webcam: FakeCam, world: World) -> None:
        variables = {**webcam.bus.variables, **world.variables, "SOAK_REPORT": str(told)}
        variables["LD_PRELOAD"] = (
            f"{webcam.bus.variables['LD_PRELOAD']}:{world.variables['LD_PRELOAD']}"
        )
        one, two = f"{CAMERAS[0]}=webcam:{webcam.by_id}", f"{CAMERAS[1]}=pattern:?size=320x240"
        options = ["--camera", one, "--camera", two, "--http", LOCAL, "--record", "segment=20s"]
        super().__init__(folder, *options, env=variables)
        self.command[2] = "tests.soak.inside"


class Soak:
    """One soak.

    Arguments:
        seconds: how long it takes.
        viewers: how many there are at a time.
        folder: where its files go.
        calm: nothing happens but that viewers come and go.
    """

    def __init__(self, seconds: float, viewers: int, folder: Path, calm: bool = False) -> None:
        self._seconds, self._viewers, self._calm = seconds, viewers, calm
        self._recordings, self._told = folder / "recordings", folder / "holdings.json"
        self._world = World(folder, self._recordings)
        self.faults: list[str] = []
        self.count: Counter[str] = Counter()

    def run(self) -> list[str]:
        """What was not as it has to be."""
        disk = make_disk(self._recordings, self._world)
        print(f"recordings go to {disk.kind}", flush=True)
        try:
            with (
                FakeCam([Format("MJPG", 320, 240)]) as webcam,
                SoakedServer(self._recordings, self._told, webcam, self._world) as server,
            ):
                self._soak(server, webcam, disk)
            for path in sorted(self._recordings.iterdir()):
                if path.suffix in (".mp4", ".mkv"):
                    self.faults += check(path)
                    self.count["recordings checked"] += 1
                elif path.name.endswith(".part"):
                    self.faults.append(f"{path.name} is left over")
        finally:
            disk.close()
        print(f"in all: {dict(self.count)}")
        return self.faults

    def _soak(self, server: ServerProcess, webcam: FakeCam, disk: Disk) -> None:
        self._all_live(server)
        warm = min(WARM, self._seconds / 2)
        self._trouble(server, webcam, disk, warm, 1)
        before = self._quiet(server)
        print(f"after {warm:g} s: {before}", flush=True)
        parts = max(1, round((self._seconds - warm) / QUIET_EVERY))
        for part in range(1, parts + 1):
            self._trouble(server, webcam, disk, (self._seconds - warm) / parts, 1 + part)
            after = self._quiet(server, before)
            passed = warm + (self._seconds - warm) * part / parts
            print(f"after {passed:g} s: {after}", flush=True)
            self.faults += after.since(before)
            if warm == WARM and after.kilobytes > before.kilobytes * GROWTH:
                self.faults.append(f"memory grew from {before.kilobytes} to {after.kilobytes} KB")
        if more := after.objects_since(before):
            print(f"more objects than before: {dict(more)}")
        if server.end() != 0:
            self.faults.append("it did not end with 0")
        for word in ("Traceback", "Unhandled"):
            if word in server.log:
                at = server.log.index(word)
                self.faults.append(f"its log says:\n{server.log[max(0, at - 500) : at + 3000]}")

    def _trouble(
        self, server: ServerProcess, webcam: FakeCam, disk: Disk, seconds: float, seed: int
    ) -> None:
        until = time.monotonic() + seconds
        world, folder = self._world, self._recordings
        troubles = Troubles(server, webcam, disk, folder, world, until, seed, self._calm)
        with guests(server, until, self._viewers) as people, troubles:
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, LOOK_EVERY))
                held = Footprint(server.process.pid)
                print(f"{max(0, left - LOOK_EVERY):.0f} s to go: {held}", flush=True)
        self.faults += troubles.faults
        self.faults += [f"a guest failed: {g.error!r}" for g in people if g.error is not None]
        self.count += troubles.count
        self.count["visits"] += sum(each.visits for each in people)
        self.count["frames"] += sum(each.frames for each in people)

    def _all_live(self, server: ServerProcess) -> None:
        for camera in CAMERAS:
            server.command_lines(f"start {camera}")
            wait_for(lambda camera=camera: server.status(camera)["state"] == "live", camera)

    def _quiet(self, server: ServerProcess, before: Holdings | None = None) -> Holdings:
        """What is left when all are gone, and both cameras run.

        Events that a full disk has refused are written within ``RETRY`` seconds.

        Arguments:
            before: what was left then: what is there beyond that is waited for. None: of three
                looks the one with the most, because a camera may just begin its next picture.
        """
        self._all_live(server)
        if not self._calm:
            self._record(server)
        wait_for(lambda: not any(server.command_lines("viewers")[:-1]), "all to be gone")
        time.sleep(3)  # what ends with a delay has ended
        self._all_live(server)  # a camera that was just opened again may be lost once more
        until = time.monotonic() + RETRY + 2
        looks: list[Holdings] = []
        while True:
            looks.append(Holdings(server.process.pid, self._told))
            if before is None:
                if len(looks) == 3:
                    return max(looks, key=lambda each: each.deferreds)
            elif not looks[-1].since(before) or time.monotonic() > until:
                return looks[-1]
            time.sleep(1)

    def _record(self, server: ServerProcess) -> None:
        """Make a recording of each camera."""
        for camera in CAMERAS:
            server.command_lines(f"record stop {camera}")
            if server.command_lines(f"record start {camera}")[-1] != "OK":
                self.faults.append(f"{camera} cannot be recorded afterwards")
        time.sleep(2)
        for camera in CAMERAS:
            if server.command_lines(f"record stop {camera}")[-1] != "OK":
                self.faults.append(f"{camera}'s recording does not end in order")


def main() -> int:
    """Soak, and say how it went; the exit code."""
    parser = argparse.ArgumentParser("python -m tests.soak", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--viewers", type=int, default=VIEWERS)
    parser.add_argument("--calm", action="store_true", help="viewers, and nothing else")
    found = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = Soak(found.seconds, found.viewers, Path(folder), found.calm).run()
    for fault in faults[:50]:
        print(f"FAULT: {fault}", file=sys.stderr)
    print("all as it has to be" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0
