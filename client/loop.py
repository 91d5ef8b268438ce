"""The viewer's loop: new frames to the screen, keys to their actions, figures to who asks."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from client.actions import KeyActions
from client.files import save_frame
from client.screens import Screen
from client.views import View
from twistedcam.errors import DiskError
from twistedcam.media.frame import Frame


class ProgressReports:
    """Says on the standard streams how it goes.

    Arguments:
        views: of what.
        form: figures once a second on standard output, as ``line`` or ``json``; None for none.
        tell_states: whether changes of state are told, on standard error.
    """

    def __init__(self, views: list[View], form: str | None, tell_states: bool) -> None:
        self._views = views
        self._form = form
        self._tell_states = tell_states
        self._due = time.monotonic() + 1.0
        self._said: dict[View, tuple[str, str | None]] = {}

    def tell(self) -> None:
        """Say what is due."""
        for view in self._views if self._tell_states else ():
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


def run_loop(
    views: list[View],
    screen: Screen,
    actions: KeyActions,
    reports: ProgressReports,
    frames: int | None = None,
    save: Path | None = None,
) -> bool:
    """View until ``frames`` have come from each camera, ``q``, or for ever.

    Gives whether all the frames that were asked for have come.

    Raises:
        TwistedcamError: a server refused, or the connection was lost and is not to be had again.
        DiskError: a picture could not be written, nor a recording where there is no screen.
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
        fresh: list[tuple[View, Frame]] = []
        for view in waiting:
            frame = view.take()
            if frame is not None:
                fresh.append((view, frame))
        if fresh or woken or time.monotonic() >= repaint_at:
            screen.show(views, actions)
            repaint_at = time.monotonic() + 0.25  # figures, messages and a new size of the window
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
    """Tell of a recording that has failed, at once: on the screen, or by an end."""
    for view in views:
        try:
            view.check_recording()
        except DiskError as error:
            if not screen.is_seen:
                raise
            actions.say(f"the recording has ended: {error}")


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
