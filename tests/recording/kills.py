"""Kills a recording server at random moments: ``python -m tests.recording.kills 100``."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.support.films import Film, read_film
from tests.support.process import ServerProcess, wait_for

#: Seconds of a recording that a crash may cost.
LOSS = 1.0
CAMERA = "pattern:?size=640x480&fps=30"


def kill_once(folder: Path, suffix: str, after: float) -> str:
    """Record, kill -9 after so many seconds, start again; what came of it in a line.

    Raises:
        AssertionError: a file cannot be read, or lost more than a crash may cost.
    """
    for old in folder.glob("*.*"):
        if old.is_file():
            old.unlink()
    with ServerProcess(folder, "--camera", CAMERA) as server:
        answer = server.command_lines(f"record start x{suffix}")
        assert answer[-1] == "OK", answer
        time.sleep(after)
        server.process.send_signal(signal.SIGKILL)
        killed = time.time()
        server.process.wait()
    parts = list(folder.glob(".*.part"))
    assert len(parts) <= 1, parts
    if not parts:
        assert after < LOSS, f"nothing on the disk after {after:.2f} s"
        return f"{suffix} killed after {after:.2f} s: nothing yet"
    read_film(parts[0], decode=False)
    with ServerProcess(folder, "--stopped") as server:
        wait_for(lambda: "finished x" in server.log, "the recovery")
    film = read_film(folder / f"x{suffix}")
    assert not list(folder.glob(".*.part"))
    lost = killed - _start(film) - film.seconds
    assert lost <= LOSS, f"{suffix} killed after {after:.2f} s: {lost:.2f} s lost"
    assert abs(film.seconds - film.times[-1]) < 0.2
    return f"{suffix} killed after {after:.2f} s: {len(film.times)} frames, {lost:.2f} s lost"


def _start(film: Film) -> float:
    return datetime.fromisoformat(film.tags["date"]).timestamp()


def main() -> int:
    """So many kills; 1 if one of them cost more than it may."""
    parser = argparse.ArgumentParser("python -m tests.recording.kills", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            suffix = (".mp4", ".mkv", ".avi", ".mov")[number % 4]
            try:
                told = kill_once(Path(folder), suffix, chance.uniform(0.05, 4))
            except AssertionError as error:
                bad += 1
                told = f"FAILED: {error}"
            print(f"{number + 1}: {told}", flush=True)
    print(f"{options.count - bad} of {options.count} held all but the last {LOSS:g} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
