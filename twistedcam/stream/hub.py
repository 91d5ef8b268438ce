"""The newest frame of one camera, and the sinks that receive each frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twistedcam.media.frame import Frame

log = Logger()

#: Sinks that are offered a frame before the reactor runs other calls: about a millisecond of work,
#: so that other requests do not wait until hundreds of viewers have been served.
ROUND = 24
#: The priorities of sinks: those that are LATE get each frame after all others.
NORMAL, LATE = 0, 1


class Sink(Protocol):
    """Receives frames. Its methods are called on the reactor's thread and must return at once."""

    __slots__ = ()

    @abstractmethod
    def take(self, frame: Frame) -> None:
        """Keep a new frame, send it, or ignore it. A sink that raises an error is removed."""

    def on_removed(self) -> None:
        """Called when the sink was removed because of an error: it gets no more frames."""
        return

    def on_cleared(self) -> None:
        """Called when the hub has no newest frame any more because the camera is not live."""
        return


class Hub:
    """Passes each new frame to every sink once, and keeps the newest.

    Arguments:
        clock: schedules the next round of sinks; None: all sinks get a frame in one call.
    """

    def __init__(self, clock: IReactorTime | None = None) -> None:
        self._clock = clock
        #: The sinks that have not been offered the newest frame yet, and the scheduled next round.
        self._waiting: Iterator[Sink] = iter(())
        self._next_round: IDelayedCall | None = None
        #: The newest frame, or None while the camera is not live.
        self.newest: Frame | None = None
        #: Called with True when the first sink was added, with False when the last was removed.
        self.on_demand: Callable[[bool], None] = lambda wanted: None
        #: Called with the reason when a frame cannot be encoded as JPEG.
        self.on_undecodable: Callable[[str], None] = lambda reason: None
        #: All sinks in the order in which they were added, and their priorities.
        self._sinks: dict[Sink, int] = {}

    def __len__(self) -> int:
        return len(self._sinks)

    def add(self, sink: Sink, *, priority: int = NORMAL) -> None:
        """Offer every new frame to this sink from now on.

        Arguments:
            priority: ``LATE`` for a sink that encodes or computes. It gets each frame after the
                others, because it would use the processor while viewers wait for the frame.
        """
        was_empty = not self._sinks
        if was_empty:
            self.encoded()  # the first sink may be sent the newest frame at once
        self._sinks[sink] = priority
        if was_empty:
            self.on_demand(True)

    def remove(self, sink: Sink) -> None:
        """Offer no more frames to this sink. Does nothing if it is not there."""
        if sink not in self._sinks:
            return
        del self._sinks[sink]
        if not self._sinks:
            self.on_demand(False)

    def publish(self, frame: Frame) -> None:
        """Pass a new frame to all sinks. A sink that raises an error is removed."""
        self._finish_pass()
        if self._sinks and not frame.is_encoded and not self._encode(frame):
            return
        self.newest = frame
        self._waiting = iter(sorted(self._sinks, key=self._sinks.__getitem__))
        self._offer()

    def encoded(self) -> Frame | None:
        """Return the newest frame, encoded as JPEG if it was not; None if it cannot be encoded."""
        frame = self.newest
        if frame is not None and not frame.is_encoded and not self._encode(frame):
            self.newest = frame = None
        return frame

    def _encode(self, frame: Frame) -> bool:
        try:
            return bool(frame.jpeg)
        except ValueError as error:
            self.on_undecodable(str(error))
        except Exception as error:  # an internal error loses this picture only, not the sinks
            log.failure("a picture cannot be encoded")
            self.on_undecodable(str(error))
        return False

    def clear(self) -> None:
        """Forget the newest frame: the camera is not live."""
        self._finish_pass()
        if self.newest is None:
            return
        self.newest = None
        for sink in tuple(self._sinks):
            sink.on_cleared()

    def _offer(self) -> None:
        """Serve one round of the waiting sinks, and schedule the next."""
        self._next_round = None
        if self._clock is None:
            self._serve(None)
        elif self._serve(ROUND) == ROUND:
            self._next_round = self._clock.callLater(0, self._offer)

    def _finish_pass(self) -> None:
        """Offer the newest frame to all sinks that still wait, so that frames keep their order."""
        if self._next_round is not None:
            self._next_round.cancel()
            self._next_round = None
        self._serve(None)

    def _serve(self, most: int | None) -> int:
        """Offer the newest frame to the next ``most`` sinks, or to all; return their number."""
        frame, sinks, count = self.newest, self._sinks, 0
        for sink in islice(self._waiting, most):
            count += 1
            if frame is None or sink not in sinks:  # it was removed after the frame came
                continue
            try:
                sink.take(frame)
            except Exception:
                self.remove(sink)
                log.failure("a sink of frames failed and is removed: {sink!r}", sink=sink)
                sink.on_removed()
        return count
