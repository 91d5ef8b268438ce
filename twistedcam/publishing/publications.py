"""All that a server publishes, and the encoders that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from twistedcam.camera import Camera
from twistedcam.camera.thread import Thread
from twistedcam.errors import BadArgument
from twistedcam.events import EventBus
from twistedcam.publishing.publication import Publication
from twistedcam.publishing.target import Target
from twistedcam.recording import Recorder, RecordSettings
from twistedcam.recording.coder import CoderSettings
from twistedcam.recording.shared import SharedEncoder


class Publications:
    """Targets by camera, in the order in which they were added.

    Arguments:
        reactor: time and processes.
        events: where changes are told.
        make_thread: gives threads for encoders.
    """

    def __init__(self, reactor: Any, events: EventBus, make_thread: Callable[[], Thread]) -> None:
        self._reactor = reactor
        self._events = events
        self._make_thread = make_thread
        self._targets: dict[str, dict[str, Publication]] = {}
        self._encoders: dict[tuple[str, CoderSettings], SharedEncoder] = {}

    def __iter__(self) -> Iterator[Publication]:
        for targets in self._targets.values():
            yield from targets.values()

    def of(self, camera: str) -> list[Publication]:
        """What there is of one camera."""
        return list(self._targets.get(camera, {}).values())

    def get(self, camera: str, target: str | None) -> list[Publication]:
        """A camera's target of that name; without a name all of them.

        Raises:
            BadArgument: there is none.
        """
        found = self._targets.get(camera, {})
        if target is None and found:
            return list(found.values())
        if target not in found:
            names = ", ".join(found) or "none; add some with --publish"
            asked = "no target" if target is None else f"no target {target[:80]!r}"
            raise BadArgument(f"{camera} has {asked}; there is {names}")
        return [found[target]]

    def add(self, camera: Camera, recorder: Recorder, targets: Iterable[Target]) -> None:
        """More targets for a camera, stopped; its recordings share their encoder."""
        recorder.find_shared = lambda settings: self._for_recording(camera.name, settings)
        for target in targets:
            named = self._targets.setdefault(camera.name, {})
            name, number = target.name, 2
            while name in named:
                name, number = f"{target.name}-{number}", number + 1
            target = replace(target, name=name)
            encoder = self._encoder(camera, target.coder)
            args = (self._reactor, camera.name, target, encoder, self._events)
            named[name] = Publication(*args)

    def remove(self, camera: str) -> Deferred[Any]:
        """Publish and encode that camera no more."""
        gone = self._targets.pop(camera, {})
        self._encoders = {key: each for key, each in self._encoders.items() if key[0] != camera}
        return DeferredList([each.stop() for each in gone.values()])

    def start(self, camera: str | None = None) -> None:
        """Publish all of one camera, or of all."""
        for each in self if camera is None else self.of(camera):
            each.start()

    def stop(self) -> Deferred[Any]:
        """Publish nothing more; fires when all targets have been told."""
        return DeferredList([each.stop() for each in self])

    def _encoder(self, camera: Camera, settings: CoderSettings) -> SharedEncoder:
        key = camera.name, settings
        if key not in self._encoders:
            encoder = SharedEncoder(camera, settings, self._make_thread, self._events)
            self._encoders[key] = encoder
        return self._encoders[key]

    def _for_recording(self, camera: str, settings: RecordSettings) -> SharedEncoder | None:
        """The encoder of started targets that does what this recording would do itself."""
        encoder = self._encoders.get(
            (camera, CoderSettings(crf=settings.crf, preset=settings.preset))
        )
        wanted = (each.is_started and each.encoder is encoder for each in self.of(camera))
        return encoder if any(wanted) else None
