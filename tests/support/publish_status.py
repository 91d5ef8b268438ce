"""How a server's publish targets are, and what a player finds there."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.support.process import PATIENCE, ServerProcess
from tests.support.system import require_program

CAMERA = ("--camera", "pattern:?size=320x240&fps=30")


def targets(server: ServerProcess) -> dict[str, dict[str, Any]]:
    """What ``publish`` says, by target."""
    answer = json.loads(server.command_lines("json on", "publish")[-1])
    return {each["target"]: each for each in answer["targets"]}


def state(server: ServerProcess, target: str) -> str:
    found: str = targets(server)[target]["state"]
    return found


def probe(url: str) -> list[str]:
    """Codec, width and frames of two seconds of a live stream, by ffprobe."""
    words = [require_program("ffprobe", "ffmpeg"), "-v", "error", "-read_intervals", "%+1"]
    words += ["-probesize", "100k", "-analyzeduration", "500k"]  # it would watch for seconds
    words += ["-count_packets", "-show_entries", "stream=codec_name,width,nb_read_packets"]
    done = subprocess.run(
        [*words, "-of", "csv=p=0", url],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout.strip().split(",")
