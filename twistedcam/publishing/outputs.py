"""All outputs of a server, and the encoders that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from twistedcam.camera import Camera
from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.errors import BadArgument
from twistedcam.events import EventBus
from twistedcam.publishing.output import Output
from twistedcam.publishing.target import PublishTarget
from twistedcam.recording import Recorder, RecordSettings
from twistedcam.runtime.threads import Thread
from twistedcam.stream.transcoder import Transcoder


class Outputs:
    """Outputs by camera, in the order in which they were added.

    Arguments:
        reactor: time and processes.
        events: told of changes.
        make_thread: makes an encoder's thread.
    """

    def __init__(self, reactor: Any, events: EventBus, make_thread: Callable[[], Thread]) -> None:
        self._reactor = reactor
        self._events = events
        self._make_thread = make_thread
        self._outputs: dict[str, dict[str, Output]] = {}
        #: Each as it was configured: a name that was taken has been changed.
        self._configured: dict[Output, PublishTarget] = {}
        self._encoders: dict[tuple[str, H264Settings], Transcoder] = {}

    def __iter__(self) -> Iterator[Output]:
        for outputs in self._outputs.values():
            yield from outputs.values()

    def of(self, camera: str) -> list[Output]:
        """Return the outputs of one camera."""
        return list(self._outputs.get(camera, {}).values())

    def get(self, camera: str, target: str | None) -> list[Output]:
        """Return a camera's output for the target of that name; without a name all of them.

        Raises:
            BadArgument: there is none.
        """
        found = self._outputs.get(camera, {})
        if target is None and found:
            return list(found.values())
        if target not in found:
            names = ", ".join(found) or "none; add some with --publish"
            asked = "no target" if target is None else f"no target {target[:80]!r}"
            raise BadArgument(f"{camera} has {asked}; there is {names}")
        return [found[target]]

    def add(self, camera: Camera, recorder: Recorder, targets: Iterable[PublishTarget]) -> None:
        """Add outputs for a camera, stopped; its recordings may share their encoder."""
        recorder.find_shared = lambda settings: self._for_recording(camera.name, settings)
        for target in targets:
            named = self._outputs.setdefault(camera.name, {})
            name, number = target.name, 2
            while name in named:
                name, number = f"{target.name}-{number}", number + 1
            encoder = self._encoder(camera, target.coder)
            args = (self._reactor, camera.name, replace(target, name=name), encoder, self._events)
            named[name] = output = Output(*args)
            self._configured[output] = target

    async def change(
        self, camera: Camera, recorder: Recorder, targets: Iterable[PublishTarget], *, start: bool
    ) -> bool:
        """Give a camera these targets; the outputs that it has already go on.

        Arguments:
            start: true to start those that are new.

        Returns:
            True if anything was changed.
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
        """End the outputs of a camera; fires when all have ended."""
        return self._end(self.of(camera))

    def start(self, camera: str | None = None) -> None:
        """Start the outputs of one camera, or of all."""
        for each in self if camera is None else self.of(camera):
            each.start()

    def stop(self) -> Deferred[Any]:
        """Stop all outputs; fires when all have ended."""
        return DeferredList([each.stop() for each in self])

    def _end(self, gone: list[Output]) -> Deferred[Any]:
        """Forget outputs, and encoders that no other uses; fires when all have ended."""
        for each in gone:
            del self._outputs[each.camera][each.target.name]
            del self._configured[each]
        used = {id(each.encoder) for each in self}
        self._encoders = {key: each for key, each in self._encoders.items() if id(each) in used}
        return DeferredList([each.stop() for each in gone])

    def _encoder(self, camera: Camera, settings: H264Settings) -> Transcoder:
        key = camera.name, settings
        if key not in self._encoders:
            encoder = Transcoder(camera.name, camera.hub, settings, self._make_thread, self._events)
            self._encoders[key] = encoder
        return self._encoders[key]

    def _for_recording(self, camera: str, settings: RecordSettings) -> Transcoder | None:
        """Return the encoder of a started output whose settings are those of a recording."""
        encoder = self._encoders.get(
            (camera, H264Settings(crf=settings.crf, preset=settings.preset))
        )
        wanted = (each.is_started and each.encoder is encoder for each in self.of(camera))
        return encoder if any(wanted) else None
