"""Reads an RTSP camera several times, and prints the cost and the ages of its packets as JSON.

    python -m benchmarks.rtsp_reader READER COUNT SECONDS URL CLIP CLOCK

READER is ``twistedcam``, the client of this server, or ``pyav``, FFmpeg's demuxer in threads.
"""

from __future__ import annotations

import json
import mmap
import statistics
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Seconds before the measurement: the first key frame, and the first sender report.
WARM_UP = 3.0
#: The bytes at the end of a unit that tell it from all others.
_TAIL = 48
_DELIMITER = b"\0\0\0\1\x09"

#: Called with the data of each packet and its time of capture, or None.
Take = Callable[[bytes, float | None], None]


class Ages:
    """The ages of one camera's packets.

    Arguments:
        clip, clock: the files of ``rtsp_camera.py``.
    """

    def __init__(self, clip: Path, clock: Path) -> None:
        units = clip.read_bytes().split(_DELIMITER)[1:]
        self._numbers = {unit[-_TAIL:]: number for number, unit in enumerate(units)}
        with clock.open("rb") as file:
            self._clock = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.is_measuring = False
        self.ages: list[float] = []
        self.errors: list[float] = []
        self.count = 0

    def take(self, data: bytes, captured: float | None) -> None:
        """Note a packet of the first camera."""
        now = time.time()
        self.count += 1
        number = self._numbers.get(data[-_TAIL:])
        if number is None or not self.is_measuring:
            return
        sent = struct.unpack_from("<Q", self._clock, 8 * number)[0] / 1e6
        self.ages.append(now - sent)
        if captured is not None:
            self.errors.append(abs(captured - sent))

    def count_only(self, data: bytes, captured: float | None) -> None:
        """Count a packet of another camera."""
        self.count += 1


def read_by_twistedcam(url: str, takes: list[Take]) -> None:
    """Read with this server's client until the process ends."""
    from twisted.internet import reactor

    from twistedcam.runtime.clock import use_monotonic_clock
    from twistedcam.sources.rtsp.source import RtspSource

    use_monotonic_clock(reactor)

    class Listener:
        def __init__(self, take: Take) -> None:
            self._take = take

        def on_opened(self, granted: object) -> None:
            pass

        def on_raw(self, raw: Any) -> None:
            self._take(raw.data, raw.time)

        def on_corrupt(self, reason: str) -> None:
            print(reason, file=sys.stderr)

        def on_failed(self, error: Exception) -> None:
            sys.exit(str(error))

    for take in takes:
        RtspSource(url, reactor=reactor).start(Listener(take))
    run: Any = reactor
    run.run(installSignalHandlers=False)


def read_by_pyav(url: str, takes: list[Take]) -> None:
    """Read with FFmpeg's demuxer, one thread for each camera, until the process ends."""
    import av

    def read(take: Take) -> None:
        options = {"rtsp_transport": "tcp", "fflags": "nobuffer", "flags": "low_delay"}
        with av.open(url, options=options) as container:
            for packet in container.demux(container.streams.video[0]):
                take(bytes(packet), None)

    for take in takes:
        threading.Thread(target=read, args=(take,), daemon=True).start()
    threading.Event().wait()


READERS = {"twistedcam": read_by_twistedcam, "pyav": read_by_pyav}


def main(reader: str, count: str, seconds: str, url: str, clip: str, clock: str) -> None:
    """Read, measure, print."""
    ages = Ages(Path(clip), Path(clock))
    takes: list[Take] = [ages.take, *[ages.count_only] * (int(count) - 1)]

    def measure() -> None:
        time.sleep(WARM_UP if reader == "twistedcam" else 2 * WARM_UP)  # FFmpeg analyses first
        before, began, packets = time.process_time(), time.monotonic(), ages.count
        ages.is_measuring = True
        time.sleep(float(seconds))
        ages.is_measuring = False
        passed = time.monotonic() - began
        found = {
            "cores": (time.process_time() - before) / passed,
            "fps": (ages.count - packets) / passed / int(count),
            "age_p50": percentile(ages.ages, 50),
            "age_p99": percentile(ages.ages, 99),
            "error_p99": percentile(ages.errors, 99),
        }
        print(json.dumps(found), flush=True)
        _end()

    threading.Thread(target=measure, daemon=True).start()
    READERS[reader](url, takes)


def percentile(values: list[float], percent: int) -> float | None:
    """In milliseconds; None for too few values."""
    if len(values) < 2:
        return None
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] * 1000


def _end() -> None:
    import os

    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
