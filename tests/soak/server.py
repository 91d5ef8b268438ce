"""Hours of comings and goings against a real server, and then what is left over.

    python -m tests.soak --seconds 60

Viewers come and go, stop reading, send garbage and die; cameras are stopped and started;
recordings begin and end. Afterwards no connection, thread, or file is left over, the memory is
what it was after the first minute (half of the time, if that is less), the log has no
traceback, and every recording decodes. Ends with 1 if one of these is not so, and says which.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av

from tests.process import ServerProcess, wait_for
from tests.soak.footprint import Footprint
from twistedcam import wire
from twistedcam.errors import WireError
from twistedcam.wire.messages import FrameMessage

VIEWERS = 200
CAMERAS = ("one", "two")
#: How much more memory there may be at the end than after the first minute.
GROWTH = 1.05


class Guest:
    """One who comes, does one of the things that viewers do, and goes; again and again."""

    def __init__(self, address: tuple[str, int], until: float, seed: int) -> None:
        self._address = address
        self._until = until
        self._chance = random.Random(seed)
        self.visits = 0
        self.frames = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Come and go until the end."""
        ways: list[Callable[[socket.socket], None]] = [
            self._watch,
            self._watch,
            self._watch,
            self._stop_reading,
            self._send_garbage,
            self._die,
        ]
        while time.monotonic() < self._until:
            try:
                with socket.create_connection(self._address, 10) as connection:
                    connection.settimeout(10)
                    self._chance.choice(ways)(connection)
            except (OSError, WireError):
                pass  # the server may end whom it likes; that it lives is seen at the end
            except BaseException as error:
                self.error = error
                return
            self.visits += 1
            time.sleep(self._chance.uniform(0, 0.5))

    def _stay(self) -> float:
        return min(self._until, time.monotonic() + self._chance.uniform(0.1, 8.0))

    def _join(self, connection: socket.socket) -> None:
        camera, window = self._chance.choice(CAMERAS), self._chance.choice((0, 1, 2, 8))
        fps = self._chance.choice((None, 1.0, 5.0))
        connection.sendall(wire.Join("view", camera, fps, window).encode())

    def _watch(self, connection: socket.socket) -> None:
        self._join(connection)
        decoder, end = wire.Decoder(), self._stay()
        while time.monotonic() < end:
            data = connection.recv(1 << 16)
            if not data:
                return
            for message in decoder.feed(data):
                if isinstance(message, FrameMessage):
                    self.frames += 1
                    connection.sendall(wire.Ack(message.frame.seq).encode())
        connection.sendall(wire.Bye().encode())

    def _stop_reading(self, connection: socket.socket) -> None:
        self._join(connection)
        while time.monotonic() < self._stay():
            time.sleep(0.2)

    def _send_garbage(self, connection: socket.socket) -> None:
        if self._chance.random() < 0.5:
            self._join(connection)
        connection.sendall(self._chance.randbytes(self._chance.randrange(1, 5000)))
        while connection.recv(1 << 16):
            pass

    def _die(self, connection: socket.socket) -> None:
        self._join(connection)
        connection.recv(100)
        linger = b"\1\0\0\0\0\0\0\0"  # close with a reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def steer(server: ServerProcess, until: float, seed: int) -> int:
    """Stop, start and record until the end; how many commands that were."""
    chance, count = random.Random(seed), 0
    commands = ("stop", "start", "start", "record start", "record stop", "snapshot", "status")
    while time.monotonic() < until:
        server.command_lines(f"{chance.choice(commands)} {chance.choice(CAMERAS)}")
        count += 1
        time.sleep(chance.uniform(0.1, 1.0))
    return count


@contextlib.contextmanager
def guests(address: tuple[str, int], until: float, count: int) -> Iterator[list[Guest]]:
    """So many guests, each in a thread of its own; gone at the end."""
    made = [Guest(address, until, seed) for seed in range(count)]
    threads = [threading.Thread(target=each.run, daemon=True) for each in made]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for thread in threads:
            thread.join(30)


def quiet(server: ServerProcess) -> Footprint:
    """What is left when all are gone and both cameras run without being recorded."""
    for camera in CAMERAS:
        server.command_lines(f"start {camera}", f"record stop {camera}")
    wait_for(lambda: not any(s for s in server.command_lines("viewers")[:-1]), "all to be gone")
    time.sleep(3)  # what ends with a delay has ended
    return Footprint(server.process.pid)


def soak(seconds: float, count: int, folder: Path) -> list[str]:
    """What was not as it has to be."""
    options = [word for name in CAMERAS for word in ("--camera", f"{name}=pattern:?size=320x240")]
    with ServerProcess(folder, *options) as server:
        wait_for(lambda: server.status("one")["state"] == "live", "the cameras")
        warm = min(60.0, seconds / 2)
        with guests(server.frames, time.monotonic() + warm, count):
            steer(server, time.monotonic() + warm, 1)
        before = quiet(server)
        print(f"after {warm:g} s: {before}", flush=True)
        with guests(server.frames, time.monotonic() + seconds - warm, count) as all_guests:
            commands = steer(server, time.monotonic() + seconds - warm, 2)
        after = quiet(server)
        visits, frames = (
            sum(getattr(g, what) for g in all_guests) for what in ("visits", "frames")
        )
        print(
            f"after {seconds:g} s: {after}; {visits} visits, {frames} frames, {commands} commands"
        )
        faults = [f"a guest failed: {g.error!r}" for g in all_guests if g.error is not None]
        if after.threads > before.threads:
            faults.append(f"{after.threads - before.threads} threads are left over")
        if after.files > before.files:
            faults.append(f"left over: {', '.join((after.open - before.open).elements())}")
        if after.kilobytes > before.kilobytes * GROWTH:
            faults.append(f"memory grew from {before.kilobytes} to {after.kilobytes} KB")
        if server.end() != 0:
            faults.append("it did not end with 0")
        if "Traceback" in server.log:
            faults.append("there is a traceback in its log:\n" + server.log[-4000:])
    return faults + [fault for path in sorted(folder.iterdir()) for fault in check(path)]


def check(path: Path) -> list[str]:
    """What is wrong with a recording, decoded as a whole."""
    if path.suffix in (".jpg", ".json") or path.name.startswith(".") or path.is_dir():
        return []
    try:
        with av.open(str(path)) as film:
            frames = sum(1 for _ in film.decode(video=0))
    except (OSError, av.FFmpegError, IndexError) as error:
        return [f"{path.name} does not decode: {error}"]
    return [] if frames else [f"{path.name} has no picture"]


def main() -> int:
    """Soak, and say how it went; the exit code."""
    parser = argparse.ArgumentParser("python -m tests.soak", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--viewers", type=int, default=VIEWERS)
    found = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = soak(found.seconds, found.viewers, Path(folder) / "recordings")
    for fault in faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    print("all as it has to be" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0
