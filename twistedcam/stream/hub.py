"""One camera's newest frame, and those who want it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol, runtime_checkable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twistedcam.media.frame import Frame

log = Logger()

#: So many sinks are offered a frame before the reactor has a turn: about a millisecond's work, so
#: that whoever asks the server for something while hundreds watch need not wait for all of them.
ROUND = 24


class Sink(Protocol):
    """Who takes frames. ``take`` is called on the reactor's thread and must return at once."""

    def take(self, frame: Frame) -> None:
        """Here is a new frame; keep it, send it or let it go, but never wait."""


@runtime_checkable
class Connected(Protocol):
    """A sink with somebody at its other end, who would wait for ever once it is left out."""

    def left_out(self) -> None:
        """It has failed, and is offered no more frames: end the connection."""


@runtime_checkable
class Holder(Protocol):
    """A sink that holds the newest frame for others."""

    def forget(self) -> None:
        """There is no newest frame any more."""


class Hub:
    """Passes each new frame to every sink, once; remembers the newest.

    Arguments:
        clock: gives the reactor its turns between rounds of sinks; without one there are none.
    """

    def __init__(self, clock: IReactorTime | None = None) -> None:
        self._clock = clock
        #: The sinks that have yet to be offered the newest frame, and the call that goes on.
        self._waiting: Iterator[Sink] = iter(())
        self._next_round: IDelayedCall | None = None
        #: The newest frame, or None while the camera is not live.
        self.newest: Frame | None = None
        #: Called with True when the first sink has come, with False when the last has gone.
        self.on_demand: Callable[[bool], None] = lambda wanted: None
        #: Called with the reason when a frame turns out to be none that a JPEG can be made of.
        self.on_undecodable: Callable[[str], None] = lambda reason: None
        #: All sinks in the order in which they came, and whether each is patient.
        self._sinks: dict[Sink, bool] = {}

    def __len__(self) -> int:
        return len(self._sinks)

    def add(self, sink: Sink, *, is_patient: bool = False) -> None:
        """From now on this sink is offered every new frame.

        Arguments:
            sink: who takes them.
            is_patient: it is offered each frame after those who are not. Who encodes or computes
                is, or it would take a processor away just when hundreds are sent a picture.
        """
        was_empty = not self._sinks
        if was_empty:
            self.encoded()  # who comes first may be sent the newest frame at once
        self._sinks[sink] = is_patient
        if was_empty:
            self.on_demand(True)

    def remove(self, sink: Sink) -> None:
        """No more frames for this sink; nothing happens if it has none anyway."""
        if sink not in self._sinks:
            return
        del self._sinks[sink]
        if not self._sinks:
            self.on_demand(False)

    def publish(self, frame: Frame) -> None:
        """A new frame has come. A sink that raises is taken out; the others get their frame."""
        self._finish_pass()
        if self._sinks and not frame.is_encoded and not self._encode(frame):
            return
        self.newest = frame
        self._waiting = iter(sorted(self._sinks, key=self._sinks.__getitem__))
        self._offer()

    def encoded(self) -> Frame | None:
        """The newest frame, whose JPEG is made now if it has not been; None if it cannot be."""
        frame = self.newest
        if frame is not None and not frame.is_encoded and not self._encode(frame):
            self.newest = frame = None
        return frame

    def _encode(self, frame: Frame) -> bool:
        try:
            return bool(frame.jpeg)
        except ValueError as error:
            self.on_undecodable(str(error))
        except Exception as error:  # a fault of ours costs this picture, and no sink
            log.failure("a picture cannot be encoded")
            self.on_undecodable(str(error))
        return False

    def clear(self) -> None:
        """There is no newest frame any more: the camera is not live."""
        self._finish_pass()
        if self.newest is None:
            return
        self.newest = None
        for sink in tuple(self._sinks):
            if isinstance(sink, Holder):
                sink.forget()

    def _offer(self) -> None:
        """Go through one round of those who wait; the reactor then has a turn before the next."""
        self._next_round = None
        if self._clock is None:
            self._serve(None)
        elif self._serve(ROUND) == ROUND:
            self._next_round = self._clock.callLater(0, self._offer)

    def _finish_pass(self) -> None:
        """Offer the newest frame to all who still wait: order matters more now than turns."""
        if self._next_round is not None:
            self._next_round.cancel()
            self._next_round = None
        self._serve(None)

    def _serve(self, most: int | None) -> int:
        """Offer the newest frame to the next ``most`` who wait, or to all; how many they were."""
        frame, sinks, count = self.newest, self._sinks, 0
        for sink in islice(self._waiting, most):
            count += 1
            if frame is None or sink not in sinks:  # it has gone since the frame came
                continue
            try:
                sink.take(frame)
            except Exception:
                self.remove(sink)
                log.failure("a consumer of frames failed and is left out: {sink!r}", sink=sink)
                if isinstance(sink, Connected):
                    sink.left_out()
        return count
