"""The subscription of one viewer to a codec whose packets refer to others, such as H.264."""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from itertools import islice
from operator import attrgetter

from twisted.internet.interfaces import IReactorTime

from twistedcam.delivery.sender import Sender
from twistedcam.delivery.subscription import RATE_TOLERANCE, ViewerSubscription
from twistedcam.media.packet import Packet
from twistedcam.stream.hub import GroupHub
from twistedcam.stream.viewers import Viewer

#: Seconds that the oldest packet may be unacknowledged, or the next one unsent. A viewer that is
#: further behind continues with a key frame.
MAX_DELAY = 0.4
#: Seconds of the line's time that packets may need which are sent before others are acknowledged.
QUEUE_TIME = 0.4
#: Seconds until an acknowledgement that show a busy line, also above the least seen so far.
_BUSY_AFTER, _BUSY_ABOVE = 0.2, 0.1
#: Seconds for which a key frame is new enough for a viewer that could not take it when it came.
_FRESH = 0.1
#: The longest round trip, in seconds, that is added to ``MAX_DELAY``.
_MAX_ROUND_TRIP = 0.2
#: The least and most seconds over which a busy line's rate is measured, and the growth of the
#: rate with each acknowledgement while the line is not busy.
_MEASURED_SPAN, _LONGEST_SPAN, _GROWTH = 0.1, 1.0, 1.02
#: Seconds after which no encoder of this program has made the key frame that was asked for.
_KEYFRAME_TIME = 1.0
#: Packets of a group after which its rate is known.
_MEASURED_PACKETS = 8
#: Seconds in which a viewer has to receive the packets of the group in which it begins.
CATCH_UP_TIME = 1.0
#: Bytes that are sent to a new viewer before it has acknowledged any. With each acknowledgement
#: they grow by what was acknowledged, until the line's rate is known.
OPENING_BYTES = 64 * 1024

_seq_of = attrgetter("seq")


class GopSubscription(ViewerSubscription):
    """Passes groups of pictures from a hub to a sender, each from its key frame on.

    A viewer is ready while the oldest packet that it has not acknowledged is younger than
    ``MAX_DELAY`` and a round trip, and the line needs less than ``QUEUE_TIME`` for all of them; one
    without acknowledgements, while nothing is unsent. A viewer that is not ready continues with the
    next key frame when it has received everything, and an encoder of this program makes one soon.
    So a slow viewer gets fewer pictures, and none that is old. What a busy socket does not take,
    and what a line of unknown rate may not carry, waits in the hub's group, for at most
    ``MAX_DELAY``: nothing is kept here.

    A new viewer begins with the group in the hub, which is sent no faster than it is received.

    Arguments:
        viewer: its counters are updated.
        hub: the source of packets.
        sender: their destination.
        clock: measures rates and delays.
        max_fps: the maximum number of packets per second, or None. A stream that has more is
            limited to its key frames.
        window: 0 if no acknowledgements are expected. Time is limited, not the number of packets.
    """

    __slots__ = (
        "_awaits_keyframe",
        "_catch_up_at",
        "_deadline",
        "_first_passed_over",
        "_followed",
        "_group_began_us",
        "_group_size",
        "_is_in_step",
        "_keyframe_at",
        "_least_delay",
        "_max_fps",
        "_may_catch_up",
        "_measured_bytes",
        "_measuring_since",
        "_only_keyframes",
        "_opening_bytes",
        "_rate",
        "_unacknowledged",
        "_unacknowledged_bytes",
    )

    def __init__(
        self,
        viewer: Viewer,
        hub: GroupHub,
        sender: Sender,
        clock: IReactorTime,
        max_fps: float | None = None,
        window: int = 0,
        leave: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(viewer, hub, sender, clock, max_fps, window, leave)
        #: Sequence number, time of sending and size of packets, oldest first; only with a window.
        self._unacknowledged: deque[tuple[int, float, int]] = deque()
        self._unacknowledged_bytes = 0
        #: True if the viewer has all packets of the group so far.
        self._is_in_step = False
        #: True if it skips to a key frame. If it neither does nor is in step, the packets that it
        #: needs next are in the hub's group.
        self._awaits_keyframe = False
        #: The time at which it skips to a key frame if it is not in step by then.
        self._deadline = 0.0
        #: True if it may continue in the middle of a group. It may not if it was too slow for that.
        self._may_catch_up = True
        self._catch_up_at = 0.0
        #: The time when the newest key frame came.
        self._keyframe_at = -MAX_DELAY
        #: The first packet that was counted as dropped since it was in step.
        self._first_passed_over = sys.maxsize
        #: The line's rate in bytes a second; unknown until it was busy.
        self._rate = math.inf
        #: The most bytes to be unacknowledged while the rate is unknown.
        self._opening_bytes = OPENING_BYTES
        #: The least seconds until an acknowledgement, which a round trip takes; 0 before the first.
        self._least_delay = 0.0
        #: The time from which the rate is measured, and the bytes acknowledged since then.
        self._measuring_since, self._measured_bytes = math.inf, 0
        #: The last packet that the viewer had from another hub.
        self._followed = -1
        self._max_fps = max_fps
        self._only_keyframes = False
        #: The time of the newest key frame, and the number of packets since then.
        self._group_began_us: int | None = None
        self._group_size = 0

    @property
    def waits(self) -> bool:
        """True if a packet that was sent is not acknowledged yet; only with a window."""
        return bool(self._unacknowledged)

    def waits_for(self, seq: int) -> bool:
        """True if an acknowledgement of the packets up to this one would be new."""
        return bool(self._unacknowledged) and self._unacknowledged[0][0] <= seq

    @property
    def last_seq(self) -> int:
        """The sequence number of the last packet that was sent; -1 before the first."""
        return max(self._last_seq, self._followed)

    def follow(self, seq: int) -> None:
        """Send only packets of higher numbers: the viewer had those up to it from another hub."""
        self._followed = seq

    def begin(self) -> None:
        """Send the newest group of pictures, from its key frame on."""
        if self._max_fps is not None:
            self._only_keyframes = self._is_faster(self._hub.group, self._max_fps)
        self.ready()

    def take(self, packet: Packet) -> None:
        """Send a new packet, or leave it in the hub's group (hub.Sink)."""
        if packet.seq <= self._last_seq:
            return  # the viewer was ready for it, and got it, before its turn came
        if self._max_fps is not None and not self._admits(packet):
            return
        now = self._clock.seconds()
        if packet.is_keyframe:
            if packet.seq <= self._followed:
                return
            self._keyframe_at, self._deadline = now, now + MAX_DELAY
            if self._is_in_step:
                self._may_catch_up = True
        elif not self._is_in_step:
            self._pass_over(packet)
            if not self._awaits_keyframe:
                self._send_waiting(now)
            elif self._may_catch_up and now >= self._catch_up_at and not self._unacknowledged:
                self._resume(now)
            return
        size = len(packet.data)
        in_time = not self._unacknowledged or self._arrives_in_time(size, now)
        may_probe = not self._unacknowledged or self._may_probe(size)
        if in_time and may_probe and self._send(packet, now):
            self._is_in_step, self._awaits_keyframe = True, False
            self._first_passed_over = sys.maxsize
            return
        self._pass_over(packet)
        if self._is_in_step:
            self._is_in_step = False
            self._deadline = now + MAX_DELAY
            if not in_time:
                self._skip_to_keyframe()

    def on_cleared(self) -> None:
        """Begin with the next key frame: the camera is not live."""
        self._is_in_step = self._awaits_keyframe = False
        self._deadline = self._clock.seconds() + MAX_DELAY

    def acknowledge(self, seq: int) -> None:
        """Note that the viewer has processed all packets up to this one."""
        unacknowledged, sent, size, last = self._unacknowledged, 0.0, 0, 0
        while unacknowledged and unacknowledged[0][0] <= seq:
            _, sent, last = unacknowledged.popleft()
            size += last
        if size:
            self._unacknowledged_bytes -= size
            self._opening_bytes += size
            self._measure(size, sent, last)
        if not self._is_in_step:
            self.ready()

    def ignore_acks(self) -> None:
        """Send packets as fast as the viewer reads: it acknowledges nothing any more."""
        self._window = self._unacknowledged_bytes = 0
        self._unacknowledged.clear()
        self.ready()

    def ready(self) -> None:
        """Send the packets that wait in the hub's group, as far as the viewer is ready for them."""
        if self._is_in_step or (self._awaits_keyframe and self._unacknowledged):
            return
        now = self._clock.seconds()
        if self._awaits_keyframe or self._last_seq < 0:
            self._resume(now)
        else:
            self._send_waiting(now)

    def _resume(self, now: float) -> None:
        """Send the first packets, or those after a skip: everything sent is acknowledged."""
        is_new = self._last_seq < 0
        catches_up = is_new or (
            self._may_catch_up
            and now >= self._catch_up_at
            and sum(map(len, self._waiting_data())) <= self._rate * CATCH_UP_TIME
        )
        if catches_up or now - self._keyframe_at < _FRESH:
            self._awaits_keyframe = False
            self._deadline = now + CATCH_UP_TIME
            self._send_waiting(now)
        if not self._is_in_step:
            self._catch_up_at = min(self._catch_up_at, now + _KEYFRAME_TIME)
            self._hub.request_keyframe()

    @property
    def _group(self) -> list[Packet]:
        """The newest group of pictures; empty if the viewer has had its key frame elsewhere."""
        group: list[Packet] = self._hub.group
        return group if group and group[0].seq > self._followed else []

    def _waiting_data(self) -> list[bytes]:
        """The data of the packets in the hub's group that the viewer has not had."""
        return [packet.data for packet in self._group if packet.seq > self._last_seq]

    def _skip_to_keyframe(self) -> None:
        """Skip to the next key frame; if none comes soon, catch up from the middle of the group.

        A key frame is asked for when everything was received (``_resume``): an earlier one would
        have to be skipped, too.
        """
        self._awaits_keyframe = True
        self._catch_up_at = math.inf

    def _send_waiting(self, now: float) -> None:
        """Send packets from the hub's group, up to the newest if the viewer takes them all."""
        if now >= self._deadline:
            if not self._awaits_keyframe:
                self._may_catch_up = False
                self._skip_to_keyframe()
            return
        group = self._group
        if self._only_keyframes:
            group = group[:1]
        for packet in islice(group, bisect_right(group, self._last_seq, key=_seq_of), None):
            size = len(packet.data)
            is_waited_for = bool(self._unacknowledged)
            if is_waited_for and not (self._may_probe(size) and self._arrives_in_time(size, now)):
                return
            if not self._send(packet, now):
                return
            if packet.seq >= self._first_passed_over:
                self.viewer.drops -= 1  # it was late, but not dropped
        if group:
            self._is_in_step = True
            self._first_passed_over = sys.maxsize

    def _arrives_in_time(self, size: int, now: float) -> bool:
        """True if what is unacknowledged, and ``size`` more bytes, will be received in time."""
        limit = MAX_DELAY + min(self._least_delay, _MAX_ROUND_TRIP)
        if now - self._unacknowledged[0][1] >= limit:
            return False
        return self._unacknowledged_bytes + size <= self._rate * QUEUE_TIME

    def _may_probe(self, size: int) -> bool:
        """True if the line's rate is known, or so many more bytes may be sent to find it out."""
        return self._rate < math.inf or self._unacknowledged_bytes + size <= self._opening_bytes

    def _measure(self, size: int, sent: float, last: int) -> None:
        """Measure the line's rate by bytes that were acknowledged.

        Arguments:
            size: all of them.
            sent, last: time of sending and size of the last packet.
        """
        now = self._clock.seconds()
        delay = now - sent
        if delay < self._least_delay or not self._least_delay:
            self._least_delay = delay = max(delay, 1e-6)
        if self._rate < math.inf and delay < _BUSY_AFTER:
            self._rate = max(self._rate * _GROWTH, last / delay)
        if self._measuring_since == math.inf:  # the first one, which includes the round trip
            self._measuring_since, self._measured_bytes = now, 0
            return
        self._measured_bytes += size
        span = now - self._measuring_since
        if span >= _MEASURED_SPAN:
            is_busy = delay >= max(_BUSY_AFTER, self._least_delay + _BUSY_ABOVE)
            if is_busy and span < _LONGEST_SPAN:  # else it was dead, which says nothing of its rate
                rate = self._measured_bytes / span
                self._rate = rate if self._rate == math.inf else (self._rate + rate) / 2
            self._measuring_since, self._measured_bytes = now, 0

    def _pass_over(self, packet: Packet) -> None:
        if self._last_seq >= 0 or packet.is_keyframe:  # a new viewer waits for its first key frame
            self.viewer.drops += 1
            self._first_passed_over = min(self._first_passed_over, packet.seq)

    def _send(self, packet: Packet, now: float) -> bool:
        """Send a packet, if the sender is ready. A connection that fails is closed."""
        try:
            size = self._sender.offer(packet, self._window > 0)
        except OSError as error:
            self._drop(error)
            return False
        if not size:
            self._check_stall()
            return False
        self._unsent_bytes = -1
        self._last_seq = packet.seq
        if self._window:
            if not self._unacknowledged:
                self._measuring_since = math.inf
            self._unacknowledged.append((packet.seq, now, size))
            self._unacknowledged_bytes += size
        self.viewer.sent(packet, size, now)
        return True

    def _admits(self, packet: Packet) -> bool:
        """True if the viewer's limit of frames per second allows a packet."""
        limiter = self._fps_limiter
        assert limiter is not None
        self._group_size += 1
        if packet.is_keyframe:
            if self._group_began_us is not None:
                span = packet.time_us - self._group_began_us
                self._only_keyframes = self._exceeds(self._group_size, span)
            self._group_began_us, self._group_size = packet.time_us, 0
        elif not self._only_keyframes and self._group_size >= _MEASURED_PACKETS:
            # The rate is unknown where the camera has just changed its codec.
            span = packet.time_us - (self._group_began_us or 0)
            self._only_keyframes = self._exceeds(self._group_size, span)
        if not self._only_keyframes:
            return True
        if not packet.is_keyframe or not limiter.admits(packet.time_us):
            return False
        limiter.note(packet.time_us)
        return True

    def _is_faster(self, group: list[Packet], max_fps: float) -> bool:
        """True if the stream has more packets per second than the viewer asks for."""
        if len(group) > 2:
            return self._exceeds(len(group) - 1, group[-1].time_us - group[0].time_us)
        track = self._hub.track
        return track is None or track.rate is None or track.rate > max_fps * RATE_TOLERANCE

    def _exceeds(self, packets: int, span_us: int) -> bool:
        assert self._max_fps is not None
        return packets * 1e6 > self._max_fps * RATE_TOLERANCE * max(span_us, 1)
