"""A camera that goes away while it is recorded."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twistedcam.camera import Camera
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.recording.writer.session import GAP


class CameraLossWatch:
    """Says when a camera is stopped, and when it has been away too long for one file.

    Arguments:
        camera: which.
        events: where its state is told.
        clock: what waiting is measured by.
        stopped: called when it is stopped.
        gone: called when it is lost, and when it has been silent for a while.

    Both are called between ``begin`` and ``end`` alone.
    """

    def __init__(
        self,
        camera: Camera,
        events: EventBus,
        clock: IReactorTime,
        stopped: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self._camera = camera
        self._clock = clock
        self._stopped = stopped
        self._gone = gone
        self._heeds = self._is_patient = False
        self._waiting: IDelayedCall | None = None
        events.subscribe(self._heard)

    def begin(self, patient: bool) -> None:
        """Look out from now on.

        Arguments:
            patient: however long it is away is no matter.
        """
        self._heeds, self._is_patient = True, patient

    def end(self) -> None:
        """Look out no more."""
        self._heeds = False
        self._came_back()

    def _heard(self, event: Event) -> None:
        if not isinstance(event, CameraChanged) or event.camera != self._camera.name:
            return
        if event.state != "recovering":
            self._came_back()
        if not self._heeds:
            return
        if event.state == "stopped":
            self._stopped()
        elif event.state == "recovering" and not self._is_patient and self._waiting is None:
            # Counted from its going: each try that fails is told as recovering once more.
            patience = GAP / 1e6 if self._camera.stalled else 0
            self._waiting = self._clock.callLater(patience, self._gone)

    def _came_back(self) -> None:
        if self._waiting is not None and self._waiting.active():
            self._waiting.cancel()
        self._waiting = None
