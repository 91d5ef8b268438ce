"""All that a server publishes, and the encoders that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from twistedcam.camera import Camera
from twistedcam.errors import BadArgument
from twistedcam.events import EventBus
from twistedcam.publishing.output import Publication
from twistedcam.publishing.target import Target
from twistedcam.recording import Recorder, RecordSettings
from twistedcam.recording.coder import CoderSettings
from twistedcam.recording.shared import SharedEncoder
from twistedcam.runtime.threads import Thread


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
        #: Each as it was configured: where two had one name, one has got another.
        self._configured: dict[Publication, Target] = {}
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
            encoder = self._encoder(camera, target.coder)
            args = (self._reactor, camera.name, replace(target, name=name), encoder, self._events)
            named[name] = publication = Publication(*args)
            self._configured[publication] = target

    async def change(
        self, camera: Camera, recorder: Recorder, targets: Iterable[Target], *, start: bool
    ) -> bool:
        """Let a camera have these targets; those that it has already go on as they are.

        Arguments:
            start: whether to publish to those that are new.

        Returns:
            Whether there was anything to change.
        """
        wanted = list(targets)
        had = self.of(camera.name)
        gone = []
        for each in had:
            if self._configured[each] in wanted:
                wanted.remove(self._configured[each])
            else:
                gone.append(each)
        await self._end(gone)
        self.add(camera, recorder, wanted)
        if start:
            for each in self.of(camera.name):
                if each not in had:
                    each.start()
        return bool(gone or wanted)

    def remove(self, camera: str) -> Deferred[Any]:
        """Publish and encode that camera no more."""
        return self._end(self.of(camera))

    def start(self, camera: str | None = None) -> None:
        """Publish all of one camera, or of all."""
        for each in self if camera is None else self.of(camera):
            each.start()

    def stop(self) -> Deferred[Any]:
        """Publish nothing more; fires when all targets have been told."""
        return DeferredList([each.stop() for each in self])

    def _end(self, gone: list[Publication]) -> Deferred[Any]:
        """Forget targets, and encoders that nobody else has; fires when all have been told."""
        for each in gone:
            del self._targets[each.camera][each.target.name]
            del self._configured[each]
        used = {id(each.encoder) for each in self}
        self._encoders = {key: each for key, each in self._encoders.items() if id(each) in used}
        return DeferredList([each.stop() for each in gone])

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
