"""Writes one recording with PyAV. Every method blocks and is called on the recorder's thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from twistedcam.errors import DiskError
from twistedcam.frame import Frame

#: File name endings and what FFmpeg calls the container.
CONTAINERS = {".mkv": "matroska", ".avi": "avi"}
#: AVI has no time stamps but a grid of equal steps: frames a second of that grid.
AVI_GRID = 120
_MICROSECONDS = Fraction(1, 1_000_000)
_MILLISECONDS = Fraction(1, 1000)


@dataclass
class RecordingResult:
    """What a recording came to."""

    name: str
    frames: int = 0
    seconds: float = 0.0
    bytes: int = 0


class CopyWriter:
    """Puts the camera's own JPEGs into a container, at their times of capture.

    Arguments:
        path: the file; it must not exist.

    Raises (every method):
        DiskError: with the system's reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result = RecordingResult(path.name)
        self._container: Any = None
        self._stream: Any = None
        self._first_us = 0
        self._last_us = 0
        self._last_pts = -1
        self._base = _MILLISECONDS

    def write(self, frames: Iterable[Frame]) -> RecordingResult:
        """Add frames, oldest first; how far the recording has come."""
        try:
            for frame in frames:
                self._write(frame)
            self.result.bytes = self.path.stat().st_size if self._container else 0
        except (OSError, av.error.FFmpegError) as error:
            raise DiskError(f"{self.path.name}: {_reason(error)}") from error
        return self.result

    def close(self) -> RecordingResult:
        """Finish the file: index and duration."""
        if self._container is None:
            return self.result
        container, self._container = self._container, None
        try:
            container.close()
            self.result.bytes = self.path.stat().st_size
        except (OSError, av.error.FFmpegError) as error:
            raise DiskError(f"{self.path.name}: {_reason(error)}") from error
        return self.result

    def _write(self, frame: Frame) -> None:
        if self._container is None:
            self._open(frame)
        pts = int(Fraction(frame.time_us - self._first_us, 1_000_000) / self._base + Fraction(1, 2))
        if pts <= self._last_pts:
            return  # two frames in one step of the grid, or a clock that was set back
        packet = av.Packet(frame.jpeg)
        packet.stream = self._stream
        packet.time_base = self._base
        packet.pts = packet.dts = pts
        packet.duration = max(1, pts - self._last_pts)
        packet.is_keyframe = True
        self._container.mux(packet)
        self._last_pts, self._last_us = pts, frame.time_us
        self.result.frames += 1
        self.result.seconds = (self._last_us - self._first_us) / 1e6

    def _open(self, frame: Frame) -> None:
        kind = CONTAINERS[self.path.suffix.lower()]
        self._base = Fraction(1, AVI_GRID) if kind == "avi" else _MILLISECONDS
        # "x": opened by us, so that the system's own error comes back and nothing is overwritten.
        with open(self.path, "xb"):
            pass
        self._container = av.open(str(self.path), "w", format=kind)
        self._stream = self._container.add_stream("mjpeg", rate=1 / self._base)
        self._stream.width, self._stream.height = frame.width, frame.height
        self._stream.pix_fmt = "yuvj420p"
        self._stream.time_base = self._base
        self._first_us = frame.time_us
        began = datetime.fromtimestamp(frame.time, UTC)
        self._container.metadata["creation_time"] = began.isoformat().replace("+00:00", "Z")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
