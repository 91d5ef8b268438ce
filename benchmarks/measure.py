"""One measurement: so many viewers on a running server, for so many seconds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from benchmarks.servers import ROOT, Running, Target

_RESULT = re.compile(
    r"alive (\d+) frames (\d+) bytes (\d+) least (\d+) most (\d+) seconds ([\d.]+)"
)

Ages = list[tuple[float, float]]


@dataclass(frozen=True)
class Load:
    """What so many viewers got, and what it cost.

    Arguments:
        viewers: how many there were.
        alive: how many of them were still there at the end.
        fps: frames a second that each got on the average.
        least_fps: what the worst served one got.
        cpu: processor time of the server per second, in cores.
        cpu_per_frame: processor time per delivered frame, in microseconds.
        age_p50, age_p99: milliseconds from capture until one viewer had the picture whole.
    """

    viewers: int
    alive: int
    fps: float
    least_fps: float
    cpu: float
    cpu_per_frame: float
    age_p50: float
    age_p99: float


def build_client() -> Path:
    """Compile the C client; its path."""
    made = Path(tempfile.gettempdir()) / "twistedcam-bench-viewers"
    source = Path(__file__).with_name("viewers.c")
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-o", made, source], check=True)
    return made


def sampler(target: Target, seconds: float, limit: float = 0) -> subprocess.Popen[str]:
    """Start the viewer that looks at ages."""
    words = [target.kind, target.port, target.path, seconds, *([limit] if limit else [])]
    command = [sys.executable, "-m", "benchmarks.sample", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def percentiles(ages: Ages) -> tuple[float, float]:
    """Median and 99th percentile of ages; the first second is left out."""
    values = [age for at, age in ages if at > 1.0]
    if len(values) < 2:
        return float("nan"), float("nan")
    return median(values), quantiles(values, n=100, method="inclusive")[98]


def load(client: Path, server: Running, viewers: int, seconds: float) -> Load:
    """Measure a server under so many viewers."""
    target = server.target
    where = [str(target.port)] if target.kind == "frames" else [str(target.port), target.path]
    acknowledge = ["1"] if target.kind == "frames" else []
    crowd = subprocess.Popen(
        [client, target.kind, *where, str(viewers - 1), str(seconds), *acknowledge],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert crowd.stdout is not None
    watching = sampler(target, seconds + 1 + viewers * 0.002)
    crowd.stdout.readline()  # it counts from now on
    before = server.cpu_seconds()
    found = _RESULT.match(crowd.stdout.readline())
    cpu = server.cpu_seconds() - before
    crowd.wait()
    ages, _ = watching.communicate()
    if found is None:
        raise SystemExit("the C client had no result: is the port open?")
    alive, frames, least, took = int(found[1]), int(found[2]), int(found[4]), float(found[6])
    p50, p99 = percentiles(json.loads(ages))
    delivered = frames * viewers / (viewers - 1)  # the sampling viewer's too
    return Load(
        viewers=viewers,
        alive=alive + 1,
        fps=frames / (viewers - 1) / took,
        least_fps=least / took,
        cpu=cpu / took,
        cpu_per_frame=cpu / delivered * 1e6 if delivered else float("nan"),
        age_p50=p50,
        age_p99=p99,
    )


def slow_viewer(server: Running, seconds: float, limit: float) -> Ages:
    """The ages that a viewer sees who reads no more than ``limit`` bytes a second."""
    ages, _ = sampler(server.target, seconds, limit).communicate()
    found: Ages = json.loads(ages)
    return found
