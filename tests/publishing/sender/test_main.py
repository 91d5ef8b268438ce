"""The sender reports its progress to the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.support.process import PATIENCE, ROOT
from twistedcam.publishing.sender.protocol import FRAME_HEADER, SenderConfig

CLOCK = 1_000_000


def coded(count: int) -> list[bytes]:
    """Return keyframes in H.264."""
    coder = av.CodecContext.create("libx264", "w")
    coder.width = coder.height = 64
    coder.pix_fmt, coder.time_base = "yuv420p", Fraction(1, 30)
    coder.options = {"tune": "zerolatency", "g": "1"}
    made = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(np.full((96, 64), number, np.uint8), format="yuv420p")
        frame.pts = number
        made += [bytes(packet) for packet in coder.encode(frame)]
    return made


def test_progress_after_a_gap_is_reported_immediately(tmp_path: Path) -> None:
    """After a slow connection the second frame is sent at once, and both are reported."""
    config: SenderConfig = {
        "codec": "h264",
        "url": str(tmp_path / "x.m3u8"),
        "muxer": "hls",
        "options": {},
        "verify": True,
        "ca": "",
        "sound": None,
    }
    times = [0, 3 * CLOCK, 3 * CLOCK + 33_333]
    frames = [
        FRAME_HEADER.pack(t, 0, 1, len(data)) + data
        for t, data in zip(times, coded(3), strict=True)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "twistedcam.publishing.sender"],
        input=json.dumps(config).encode() + b"\n" + b"".join(frames),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    told = [line.split()[:2] for line in done.stdout.decode().splitlines()]
    assert told[:3] == [["live"], ["at", "0"], ["at", str(3 * CLOCK)]]
