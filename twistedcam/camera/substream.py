"""A second, smaller stream of a camera, from an address of its own."""

from __future__ import annotations

from dataclasses import replace

from twistedcam.camera.camera import Camera
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.sources.spec import SourceSpec

#: Settings by which the camera's pictures are changed here.
_PICTURE = ("quality", "rotate", "flip", "timestamp", "privacy")


def for_viewers(spec: SourceSpec, camera: SourceSpec) -> SourceSpec:
    """Return the source of a smaller stream for viewers.

    It is without sound, open while somebody watches, and its pictures are changed as the camera's.

    Arguments:
        camera: the source of the camera.
    """
    changes = {name: camera.settings[name] for name in _PICTURE if name in camera.settings}
    rest = {name: text for name, text in spec.settings.items() if name not in _PICTURE}
    wanted = {**rest, **changes, "idle": "close", "audio": "off"}
    return replace(spec, settings={}).with_settings(wanted)


class Substream:
    """A smaller stream, which runs while its camera does.

    Arguments:
        camera: the camera.
        spec: the source of the smaller stream.
        purpose: what it is for, in log lines.
        events: tells when the camera starts and stops.
    """

    def __init__(self, camera: Camera, spec: SourceSpec, purpose: str, events: EventBus) -> None:
        self._camera = camera
        self._is_running = False
        #: The camera of its packets, which has no place among the server's cameras.
        self.own = camera.make_second_camera(spec, purpose)
        self._unsubscribe = events.subscribe(self._on_event)
        self._follow()

    @property
    def state(self) -> str:
        """Its state; ``idle`` while it is closed because nobody takes its packets."""
        return "idle" if self.own.is_idle else self.own.state

    def use(self, spec: SourceSpec) -> None:
        """Continue with other settings of its source."""
        if spec != self.own.spec:
            self.own.use(spec).addErrback(lambda _: None)  # its state says it

    def close(self) -> None:
        """Close it; who takes its packets is disconnected."""
        self._unsubscribe()
        self.own.stop()
        self.own.stream.end()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self._follow()

    def _follow(self) -> None:
        """Start or stop as the camera."""
        is_running = self._camera.state != "stopped" or self._camera.is_idle
        if is_running == self._is_running:
            return
        self._is_running = is_running
        if is_running:
            self.own.start().addErrback(lambda _: None)  # it is logged, and tried again
        else:
            self.own.stop()
