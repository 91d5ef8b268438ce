"""The newest packet of one track in one codec, and the sinks that receive each packet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track

log = Logger()

P = TypeVar("P", bound=Packet)
P_contra = TypeVar("P_contra", bound=Packet, contravariant=True)

#: Seconds in which sinks are offered a packet before the reactor runs other calls, so that other
#: requests do not wait until hundreds of viewers have been served.
ROUND_TIME = 0.001
#: Sinks that are offered a packet before the time is looked at.
ROUND = 16
#: The priorities of sinks: those that are LATE get each packet after all others. Those that are
#: PATIENT get it after them, and it may come a fifth of a second late, together with others.
NORMAL, LATE, PATIENT = 0, 1, 2
#: The largest group of pictures that is kept, in packets and bytes.
GROUP_PACKETS, GROUP_BYTES = 900, 16 * 2**20


class Sink(Protocol[P_contra]):
    """Receives packets. Its methods are called on the reactor's thread and must return at once."""

    __slots__ = ()

    @abstractmethod
    def take(self, packet: P_contra, /) -> None:
        """Keep a new packet, send it, or ignore it. A sink that raises an error is removed."""

    def track_changed(self, track: Track) -> None:
        """Called before the first packet of another track: a decoder must begin again."""
        return

    def on_moved(self) -> None:
        """Called when packets of another hub follow, whose track may be known only with the first.

        What the former hub has is not for this sink any more.
        """
        return

    def on_removed(self) -> None:
        """Called when the sink was removed: it gets no more packets.

        It has failed, or the camera's video is not available in its codecs any more.
        """
        return

    def on_cleared(self) -> None:
        """Called when the hub has no newest packet any more because the camera is not live."""
        return


class Hub(Generic[P]):
    """Passes each new packet to every sink once, and keeps the newest.

    Arguments:
        clock: schedules the next round of sinks; None: all sinks get a packet in one call.
    """

    def __init__(self, clock: IReactorTime | None = None) -> None:
        self._clock = clock
        #: The sinks that have not been offered the newest packet yet, and the scheduled next
        #: round.
        self._waiting: Iterator[Sink[P]] = iter(())
        self._next_round: IDelayedCall | None = None
        #: The newest packet, or None while the camera is not live.
        self.newest: P | None = None
        #: The track of the newest packet; it stays while the camera is not live. None before the
        #: first packet.
        self.track: Track | None = None
        #: Called with True when the first sink was added, with False when the last was removed.
        self.on_demand: Callable[[bool], None] = lambda wanted: None
        #: Called when ``is_patient`` may have changed.
        self.on_patience: Callable[[], None] = lambda: None
        #: Has the source deliver what it has received so far.
        self.collect: Callable[[], None] = lambda: None
        #: All sinks in the order in which they were added, and their priorities.
        self._sinks: dict[Sink[P], int] = {}

    def __len__(self) -> int:
        return len(self._sinks)

    def __contains__(self, sink: object) -> bool:
        return sink in self._sinks

    @property
    def is_patient(self) -> bool:
        """True if no sink needs packets as soon as they are there."""
        return all(priority == PATIENT for priority in self._sinks.values())

    def add(self, sink: Sink[P], *, priority: int = NORMAL) -> None:
        """Offer every new packet to this sink from now on.

        Arguments:
            priority: ``LATE`` for a sink that encodes or computes. It gets each packet after the
                others, because it would use the processor while viewers wait for the packet.
                ``PATIENT`` for a sink that keeps packets, or writes them to the disk.
        """
        was_empty = not self._sinks
        self._sinks[sink] = priority
        if was_empty:
            self.on_demand(True)
        if priority != PATIENT:
            self.on_patience()

    def set_priority(self, sink: Sink[P], priority: int) -> None:
        """Change the priority of a sink. Does nothing if the sink is not there."""
        if self._sinks.get(sink, priority) != priority:
            self._sinks[sink] = priority
            self.on_patience()

    def remove(self, sink: Sink[P]) -> None:
        """Offer no more packets to this sink. Does nothing if it is not there."""
        if sink not in self._sinks:
            return
        priority = self._sinks.pop(sink)
        if not self._sinks:
            self.on_demand(False)
        if priority != PATIENT:
            self.on_patience()

    def publish(self, packet: P) -> None:
        """Pass a new packet to all sinks. A sink that raises an error is removed."""
        self.finish_pass()
        track = packet.track
        if track is not self.track and track != self.track:
            self.change_track(track)
        self.newest = packet
        self._waiting = iter(sorted(self._sinks, key=self._sinks.__getitem__))
        self._offer()

    def clear(self) -> None:
        """Forget the newest packet: the camera is not live."""
        self.finish_pass()
        if self.newest is None:
            return
        self.newest = None
        for sink in tuple(self._sinks):
            sink.on_cleared()

    def request_keyframe(self) -> None:
        """Ask the encoder for a key frame soon; does nothing if a device encodes."""

    def catch_up(self) -> None:
        """Offer all packets to all sinks that the camera has sent so far."""
        self.collect()
        self.finish_pass()

    def finish_pass(self) -> None:
        """Offer the newest packet to all sinks that still wait for it."""
        if self._next_round is not None:
            self._next_round.cancel()
            self._next_round = None
        self._serve(None)

    def change_track(self, track: Track) -> None:
        """Tell all sinks that packets of another track follow."""
        self.track = track
        for sink in tuple(self._sinks):
            try:
                sink.track_changed(track)
            except Exception:
                self._fail(sink)

    def _offer(self) -> None:
        """Serve one round of the waiting sinks, and schedule the next."""
        self._next_round = None
        if self._clock is None:
            self._serve(None)
            return
        until = self._clock.seconds() + ROUND_TIME
        while self._serve(ROUND) == ROUND:
            if self._clock.seconds() >= until:
                self._next_round = self._clock.callLater(0, self._offer)
                return

    def _serve(self, most: int | None) -> int:
        """Offer the newest packet to the next ``most`` sinks, or to all; return their number."""
        packet, sinks, count = self.newest, self._sinks, 0
        for sink in islice(self._waiting, most):
            count += 1
            if packet is None or sink not in sinks:  # it was removed after the packet came
                continue
            try:
                sink.take(packet)
            except Exception:
                self._fail(sink)
        return count

    def _fail(self, sink: Sink[P]) -> None:
        self.remove(sink)
        log.failure("a sink of frames failed and is removed: {sink!r}", sink=sink)
        sink.on_removed()


class FrameHub(Hub[Frame]):
    """The hub of a camera's JPEG frames. A frame is encoded when the first sink wants it."""

    def __init__(self, clock: IReactorTime | None = None) -> None:
        super().__init__(clock)
        #: Called with the reason when a frame cannot be encoded as JPEG.
        self.on_undecodable: Callable[[str], None] = lambda reason: None
        #: Called when a frame was made of a packet of another codec.
        self.on_transcoded: Callable[[], None] = lambda: None

    def add(self, sink: Sink[Frame], *, priority: int = NORMAL) -> None:
        """Offer every new frame to this sink from now on, as JPEG."""
        if not self._sinks:
            self.encoded()  # the first sink may be sent the newest frame at once
        super().add(sink, priority=priority)

    def publish(self, packet: Frame) -> None:
        """Pass a new frame to all sinks, as JPEG. A sink that raises an error is removed."""
        self.finish_pass()
        if self._sinks and not packet.is_encoded and not self._encode(packet):
            return
        super().publish(packet)

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


class GroupHub(Hub[Packet]):
    """The hub of a codec whose packets refer to others: it keeps the newest group of pictures."""

    def __init__(self, clock: IReactorTime | None = None) -> None:
        super().__init__(clock)
        #: The packets from the newest key frame on; empty if there is none, or the group is too
        #: large to be kept.
        self.group: list[Packet] = []
        self._group_bytes = 0
        #: Called when a sink needs a key frame soon.
        self.on_keyframe_request: Callable[[], None] = lambda: None

    def publish(self, packet: Packet) -> None:
        """Pass a new packet to all sinks. A sink that raises an error is removed."""
        self.finish_pass()
        if packet.is_keyframe:
            self.group = [packet]
            self._group_bytes = len(packet.data)
        elif self.group:
            self.group.append(packet)
            self._group_bytes += len(packet.data)
            if len(self.group) > GROUP_PACKETS or self._group_bytes > GROUP_BYTES:
                self.group = []
        super().publish(packet)

    def clear(self) -> None:
        """Forget the newest packet and its group: the camera is not live."""
        self.group = []
        super().clear()

    def request_keyframe(self) -> None:
        """Ask the encoder for a key frame soon; does nothing if a device encodes."""
        self.on_keyframe_request()
