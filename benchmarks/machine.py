"""Describes the machine of a measurement."""

from __future__ import annotations

import os
import platform
import time
from datetime import date
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Processor, system, date, and how busy the machine was before the measurement."""
    return {
        "cpu": _model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": date.today().isoformat(),
        "busy before": f"{_busy(2):.0%}",
    }


def _model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _busy(seconds: float) -> float:
    """The share of all cores that others use, what a hypervisor takes away included."""
    before = _times()
    time.sleep(seconds)
    passed = [b - a for a, b in zip(before, _times(), strict=True)]
    idle = passed[3] + passed[4]  # idle, and waiting for disks
    return 1 - idle / max(1, sum(passed))


def _times() -> list[int]:
    first = Path("/proc/stat").read_text().splitlines()[0]
    return [int(word) for word in first.split()[1:9]]
