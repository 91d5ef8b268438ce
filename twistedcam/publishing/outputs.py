"""The outputs of a camera, in the order in which they were added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from twistedcam.camera import Camera
from twistedcam.errors import BadArgument
from twistedcam.events import EventBus
from twistedcam.publishing.output import Output
from twistedcam.publishing.target import PublishTarget


class Outputs:
    """The outputs of a camera, in the order in which they were added.

    Arguments:
        reactor: measures time and starts processes.
        camera: the camera.
        events: receives the changes of state.
    """

    def __init__(self, reactor: Any, camera: Camera, events: EventBus) -> None:
        self._reactor = reactor
        self._camera = camera
        self._events = events
        self._outputs: dict[str, Output] = {}
        #: The targets as they were configured: the name of one may have been changed.
        self._configured: dict[Output, PublishTarget] = {}

    def __iter__(self) -> Iterator[Output]:
        yield from self._outputs.values()

    def get(self, target: str | None) -> list[Output]:
        """Return the output of a target by its name, or all outputs if the name is None.

        Raises:
            BadArgument: there is no such output.
        """
        found = self._outputs
        if target is None and found:
            return list(found.values())
        if target not in found:
            names = f"it has {', '.join(found)}" if found else "add one with --publish"
            asked = "no target" if target is None else f"no target {target[:80]!r}"
            raise BadArgument(f"{self._camera.name} has {asked}: {names}")
        return [found[target]]

    def add(self, targets: Iterable[PublishTarget]) -> None:
        """Add outputs, stopped."""
        for target in targets:
            name, number = target.name, 2
            while name in self._outputs:
                name, number = f"{target.name}-{number}", number + 1
            output = Output(
                self._reactor,
                self._camera.name,
                replace(target, name=name),
                self._camera.stream,
                self._events,
            )
            self._outputs[name] = output
            self._configured[output] = target

    async def change(self, targets: Iterable[PublishTarget], *, start: bool) -> bool:
        """Replace the targets. Outputs of targets that stay continue.

        Arguments:
            start: True to start the new ones.

        Returns:
            True if anything was changed.
        """
        wanted = list(targets)
        had = list(self)
        gone = []
        for each in had:
            if self._configured[each] in wanted:
                wanted.remove(self._configured[each])
            else:
                gone.append(each)
        await self._end(gone)
        self.add(wanted)
        if start:
            for each in self:
                if each not in had:
                    each.start()
        return bool(gone or wanted)

    def start(self) -> None:
        """Start all outputs."""
        for each in self:
            each.start()

    def close(self) -> Deferred[Any]:
        """Stop and remove all outputs. Fires when all have stopped."""
        return self._end(list(self))

    def _end(self, gone: list[Output]) -> Deferred[Any]:
        """Stop and remove outputs. Fires when all have stopped."""
        for each in gone:
            del self._outputs[each.target.name]
            del self._configured[each]
        return DeferredList([each.stop() for each in gone])
