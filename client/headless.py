"""The viewer without a window: counts, saves, and says what it sees."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from client.views import View
from twistedcam.errors import DiskError
from twistedcam.frame import Frame


class Reports:
    """Says how it goes, at most once a second.

    Arguments:
        views: of what.
        form: ``line``, ``json``, or None for changes of state alone, on standard error.
    """

    def __init__(self, views: list[View], form: str | None) -> None:
        self._views = views
        self._form = form
        self._due = time.monotonic() + 1.0
        self._said: dict[View, tuple[str, str | None]] = {}

    def tell(self) -> None:
        """Say what is due."""
        for view in self._views:
            what = (view.state, view.reason)
            if self._said.get(view) != what:
                self._said[view] = what
                if view.state != "connecting":
                    reason = f": {view.reason}" if view.reason else ""
                    print(f"{view.target}: {view.state}{reason}", file=sys.stderr, flush=True)
        if self._form is not None and time.monotonic() >= self._due:
            self._due = max(self._due + 1.0, time.monotonic())
            for view in self._views:
                figures = view.figures()
                text = figures.as_json() if self._form == "json" else figures.as_line()
                print(text, flush=True)


def run_headless(
    views: list[View], frames: int | None = None, save: Path | None = None, stats: str | None = None
) -> int:
    """View until ``frames`` have come from each camera, or for ever; the exit code.

    Raises:
        TwistedcamError: a server refused, or the connection was lost and is not to be had again.
        DiskError: a picture could not be written.
    """
    make_folder(save)
    wake = threading.Event()
    reports = Reports(views, stats)
    began = time.monotonic()
    waiting = set(views)
    for view in views:
        view.start(wake.set)
    try:
        while waiting:
            wake.wait(0.5)
            wake.clear()
            for view in tuple(waiting):
                frame = view.take()
                if frame is None:
                    continue
                if save is not None:
                    save_frame(save, view, frame, len(views) > 1)
                view.used(frame)
                if frames is not None and view.meter.frames >= frames:
                    waiting.discard(view)
                    view.close()
            reports.tell()
    except KeyboardInterrupt:
        if frames is not None:
            print("twistedcam: ended before all frames had come", file=sys.stderr)
            return 1
    finally:
        for view in views:
            view.close()
        if stats != "json":
            summarise(views, time.monotonic() - began)
    return 0


def make_folder(folder: Path | None) -> None:
    """Make the folder, if one is asked for and is not there."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"no folder {folder}: {error.strerror}") from None


def save_frame(folder: Path, view: View, frame: Frame, several: bool) -> Path:
    """Write the frame's JPEG as it came; the file has the frame's number in its name."""
    camera = f"{view.name}-" if several else ""
    path = folder / f"{camera}{frame.seq:08d}.jpg"
    try:
        path.write_bytes(frame.jpeg)
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}") from None
    return path


def summarise(views: list[View], seconds: float) -> None:
    """One line a camera on what was seen in all."""
    for view in views:
        figures = view.figures()
        if not figures.frames:
            continue
        text = f"{figures.camera or view.target}: {figures.frames} frames in {seconds:.1f} s"
        if figures.age_p50_ms is not None:
            text += f", age {figures.age_p50_ms:.1f} ms, p99 {figures.age_p99_ms:.1f} ms"
        note = f", {figures.clock_note}" if figures.clocks_disagree else ""
        print(f"{text}, missed {figures.missed}{note}")
