"""Notices that a camera is lost while it is recorded."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.camera import Camera
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.recording.writer.session import MAX_GAP
from twistedcam.runtime.timer import Timer


class CameraLossWatch:
    """Watches a camera's state between ``begin`` and ``end``.

    Arguments:
        on_stopped: called when the camera is stopped.
        on_lost: called when it is lost, or has been silent too long for one file.
    """

    def __init__(
        self,
        camera: Camera,
        events: EventBus,
        clock: IReactorTime,
        on_stopped: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._camera = camera
        self._on_stopped = on_stopped
        self._on_lost = on_lost
        self._is_watching = self._ignores_loss = self._is_lost = False
        self._timer = Timer(clock)
        events.subscribe(self._on_event)

    def begin(self, ignore_loss: bool) -> None:
        """Watch from now on.

        Arguments:
            ignore_loss: do not call ``on_lost``, however long the camera is lost.
        """
        self._is_watching, self._ignores_loss = True, ignore_loss

    def end(self) -> None:
        """Stop watching."""
        self._is_watching = False
        self._on_back()

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, CameraChanged) or event.camera != self._camera.name:
            return
        if event.state != "recovering":
            self._on_back()
        if not self._is_watching:
            return
        if event.state == "stopped":
            self._on_stopped()
        elif event.state == "recovering" and not self._ignores_loss and not self._is_lost:
            # Counted from the loss: each attempt that fails reports "recovering" once more.
            self._is_lost = True
            self._timer.start(MAX_GAP / 1e6 if self._camera.stalled else 0, self._on_lost)

    def _on_back(self) -> None:
        self._is_lost = False
        self._timer.cancel()
