"""An hour in which the server is stopped, killed and frozen, with viewers of every kind on it.

    python -m tests.soak.viewers --minutes 60

Each viewer is a program of its own: the headless viewer, the library's iterators and callbacks
(some go on for ever, some leave their loop and begin anew), and a publisher. After each end of
the server all have to have pictures again within their back-off; at the end none has more threads
or open files than after the first rounds, nor 5 % more memory, none has written a traceback, and
each ends with 0 when it is told to, whether there is a server or not. Ends with 1 if one of these
is not so, and says which. Made to be light: five pictures a second, a round every 20 seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.soak.footprint import Footprint
from tests.support.process import ServerProcess

#: Seconds between two attempts at most (5, and a third for chance), to connect, and for a frame.
BACK_OFF = 6.5 + 2.5
#: A frozen server is noticed after 10 seconds of silence.
FROZEN = 14.0
#: Rounds before the first measurement: what is loaded on first use is loaded then.
WARM = 6
GROWTH, SLACK = 1.05, 1024
PORT = 21400

WATCHING = "tests.soak.watching"


class Program:
    """A viewer in a process of its own that writes a line for each sign of life.

    Arguments:
        name: what it is called in reports.
        words: ``python -m WORDS``.
    """

    def __init__(self, name: str, *words: str) -> None:
        self.name = name
        self.seen = 0
        self.seen_at = 0.0
        self.before: Footprint | None = None
        self.waits: list[float] = []
        self._errors: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        for read in (self._read_output, self._read_errors):
            threading.Thread(target=read, daemon=True).start()

    def end(self) -> str | None:
        """Tell it to end; what was wrong with that."""
        if self.process.poll() is not None:
            return f"{self.name} ended by itself with {self.process.returncode}: {self.errors}"
        self.process.terminate()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"{self.name} hangs when it is to end: {self.errors}"
        if code != 0 or "Traceback" in self.errors:
            return f"{self.name} ended with {code}: {self.errors}"
        return None

    @property
    def errors(self) -> str:
        """The last of what it wrote on standard error."""
        return "".join(self._errors[-40:])

    def _alive(self, line: str) -> bool:
        return line.strip().isdigit()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if self._alive(line):
                self.seen += 1
                self.seen_at = time.monotonic()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors = [*self._errors[-200:], line]


class Headless(Program):
    """The viewer without a window: it says once a second that pictures come."""

    def _alive(self, line: str) -> bool:
        return " live " in line and " 0.0 fps" not in line


class Server:
    """A server at the same ports each time it is started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"twistedcam://127.0.0.1:{PORT}"
        self.running = self._start()
        self.log = ""

    def end(self, way: int, down: float) -> None:
        """End it with a signal, and start it again after so many seconds."""
        self.running.end(way)
        self._close()
        time.sleep(down)
        self.running = self._start()

    def close(self) -> None:
        """End it for good."""
        self.running.end()
        self._close()

    def _start(self) -> ServerProcess:
        options = ("--camera", "cam=pattern:?size=320x240&fps=5", "--camera", "pushed=push:")
        server = ServerProcess(self._folder, *options, ports=(PORT, PORT + 1))
        server.__enter__()
        return server

    def _close(self) -> None:
        self.running.__exit__(None, None, None)
        self.log += self.running.log


def programs(url: str) -> Iterator[Program]:
    """A viewer of every kind."""
    cam, pushed = f"{url}/cam", f"{url}/pushed"
    yield Headless("view --headless", "client", "--headless", "--stats", "line", cam)
    for way in ("blocking", "asyncio", "twisted", "callbacks"):
        yield Program(way, WATCHING, way, cam)
        yield Program(f"{way}, again and again", WATCHING, way, cam, "--leave", "40")
    yield Program("what is published", WATCHING, "blocking", pushed)
    source = "pattern:?size=320x240&fps=5"
    yield Program("publish", "twistedcam", "publish", source, pushed)


def watchers(all_programs: list[Program]) -> list[Program]:
    """Those that say when a picture comes. The publisher's pictures are seen by one of them."""
    return [each for each in all_programs if each.name != "publish"]


def disturb(server: Server, chance: random.Random) -> str:
    """Do something to the server that ends all pictures, and end it; what it was."""
    way = chance.choice(("stop", "kill", "kill", "freeze", "camera"))
    if way == "camera":
        server.running.command_lines("stop cam", "stop pushed")
        time.sleep(chance.uniform(0.1, 3.0))
        server.running.command_lines("start cam", "start pushed")
    elif way == "freeze":
        server.running.process.send_signal(signal.SIGSTOP)
        time.sleep(FROZEN)
        server.running.process.send_signal(signal.SIGCONT)
    else:
        sign = signal.SIGTERM if way == "stop" else signal.SIGKILL
        server.end(sign, chance.choice((0.0, 0.5, 3.0, 9.0)))
    return way


def wait_for_pictures(those: list[Program], since: float) -> list[str]:
    """See that each has a picture again; who has none in time."""
    faults = []
    for each in those:
        # Two viewers in a row: what is published waits for its publisher's back-off, too.
        limit = BACK_OFF * (2 if each.name == "what is published" else 1)
        while each.seen_at < since and time.monotonic() < since + limit:
            time.sleep(0.05)
        if each.seen_at < since:
            faults.append(f"{each.name}: no picture after {limit:g} s: {each.errors}")
        else:
            each.waits.append(each.seen_at - since)
    return faults


def soak(seconds: float, seed: int, folder: Path) -> list[str]:
    """What was not as it has to be."""
    began, chance, faults = time.monotonic(), random.Random(seed), list[str]()
    with contextlib.ExitStack() as stack:
        server = Server(folder)
        stack.callback(server.close)
        every = list(programs(server.url))
        faults += wait_for_pictures(watchers(every), time.monotonic() + 20)
        rounds = 0
        while time.monotonic() - began < seconds and len(faults) < 20:
            rounds += 1
            way = disturb(server, chance)
            since = time.monotonic()
            found = wait_for_pictures(watchers(every), since)
            faults += [f"round {rounds}, {way}: {fault}" for fault in found]
            if rounds == WARM:
                time.sleep(2)
                for each in every:
                    each.before = Footprint(each.process.pid)
            time.sleep(max(0.0, since + 15 - time.monotonic()))
        faults += [fault for each in every for fault in compare(each)]
        print(f"{rounds} rounds in {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
        half = len(every) // 2
        faults += [fault for each in every[:half] if (fault := each.end())]
    time.sleep(2)  # the others look for a server that is gone
    faults += [fault for each in every[half:] if (fault := each.end())]
    if "Traceback" in server.log:
        faults.append("there is a traceback in the server's log:\n" + server.log[-4000:])
    return faults


def compare(each: Program) -> Iterator[str]:
    """What a viewer holds more than before; and a line of figures."""
    if each.process.poll() is not None:
        return
    after, before = Footprint(each.process.pid), each.before
    waits = sorted(each.waits) or [0.0]
    print(
        f"{each.name}: {before} -> {after}; pictures again after {waits[len(waits) // 2]:.1f} s, "
        f"at most {waits[-1]:.1f} s"
    )
    if before is None:
        return
    if after.threads > before.threads:
        yield f"{each.name}: {after.threads - before.threads} threads are left over"
    if after.files > before.files:
        yield f"{each.name}: left over: {', '.join((after.open - before.open).elements())}"
    if after.kilobytes > before.kilobytes * GROWTH + SLACK:
        yield f"{each.name}: memory grew from {before.kilobytes} to {after.kilobytes} KB"


def main() -> int:
    """Soak, and say how it went; the exit code."""
    parser = argparse.ArgumentParser(
        "python -m tests.soak.viewers", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seconds", type=float, help="instead of minutes")
    parser.add_argument("--seed", type=int, default=1)
    found = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = found.minutes * 60 if found.seconds is None else found.seconds
        faults = soak(seconds, found.seed, Path(folder) / "recordings")
    for fault in faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    print("all as it has to be" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
