"""The viewer's loop: shows frames, runs the actions of keys, prints statistics."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from client.actions import KeyActions
from client.files import save_frame
from client.screens import Screen
from client.views import View
from twistedcam.clients.frames.packet_queue import AnyFrame
from twistedcam.errors import DiskError


class ProgressReports:
    """Prints statistics and states on the standard streams.

    Arguments:
        views: the cameras.
        form: ``line`` or ``json`` for statistics once a second on standard output; None: none.
        tell_states: True to print changes of state on standard error.
    """

    def __init__(self, views: list[View], form: str | None, tell_states: bool) -> None:
        self._views = views
        self._form = form
        self._tell_states = tell_states
        self._due = time.monotonic() + 1.0
        self._shown: dict[View, tuple[str, str | None]] = {}

    def tell(self) -> None:
        """Print what is due."""
        for view in self._views if self._tell_states else ():
            what = (view.state, view.reason)
            if self._shown.get(view) != what:
                self._shown[view] = what
                if view.state != "connecting":
                    reason = f": {view.reason}" if view.reason else ""
                    print(f"{view.target}: {view.state}{reason}", file=sys.stderr, flush=True)
        if self._form is not None and time.monotonic() >= self._due:
            self._due = max(self._due + 1.0, time.monotonic())
            for view in self._views:
                figures = view.figures()
                text = figures.as_json() if self._form == "json" else figures.as_line()
                print(text, flush=True)


def run_loop(
    views: list[View],
    screen: Screen,
    actions: KeyActions,
    reports: ProgressReports,
    frames: int | None = None,
    save: Path | None = None,
) -> bool:
    """View until each camera has sent ``frames`` frames, or until ``q``.

    Returns True if all requested frames have come.

    Raises:
        TwistedcamError: a server refused, or the connection was lost and is not retried.
        DiskError: a picture could not be written, or a recording while there is no screen.
        KeyboardInterrupt: a signal ended it.
    """
    wake = threading.Event()
    waiting = set(views)
    for view in views:
        view.start(wake.set)
    repaint_at = 0.0
    while waiting and not actions.over:
        woken = wake.wait(screen.patience)
        wake.clear()
        _check_recordings(views, screen, actions)
        fresh: list[tuple[View, AnyFrame]] = []
        for view in waiting:
            frame = view.take()
            if frame is not None:
                fresh.append((view, frame))
        if fresh or woken or time.monotonic() >= repaint_at:
            screen.show(views, actions)
            repaint_at = time.monotonic() + 0.25  # statistics, messages and a new window size
        for view, frame in fresh:
            view.used(frame)
            if save is not None:
                save_frame(save, view.name if len(views) > 1 else None, frame)
            if frames is not None and view.meter.frames >= frames:
                waiting.discard(view)
        for key in screen.pressed():
            actions.press(key)
        reports.tell()
    return frames is None or not waiting


def _check_recordings(views: list[View], screen: Screen, actions: KeyActions) -> None:
    """Report a failed recording at once: on the screen, or by raising its error."""
    for view in views:
        try:
            view.check_recording()
        except DiskError as error:
            if not screen.is_seen:
                raise
            actions.say(f"the recording has ended: {error}")


def summarise(views: list[View], seconds: float) -> None:
    """Return a line for each camera with its totals."""
    for view in views:
        figures = view.figures()
        if not figures.frames:
            continue
        text = f"{figures.camera or view.target}: {figures.frames} frames in {seconds:.1f} s"
        if figures.age_p50_ms is not None:
            text += f", age {figures.age_p50_ms:.1f} ms, p99 {figures.age_p99_ms:.1f} ms"
        note = f", {figures.clock_note}" if figures.clocks_disagree else ""
        print(f"{text}, missed {figures.missed}{note}")
