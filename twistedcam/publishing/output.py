"""An output: one camera's video for one target, with reconnection."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.events import EventBus, PublishChanged
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.publishing.sender_process import SenderProcess
from twistedcam.publishing.target import PublishTarget
from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.timer import Timer
from twistedcam.stream.camera_sound import SoundSink
from twistedcam.stream.h264_transcoder import H264Transcoder
from twistedcam.stream.hub import LATE, Sink
from twistedcam.stream.stream import Stream, Subscription
from twistedcam.stream.wants import Wants

log = Logger()

#: The first and the longest wait between two attempts, in seconds.
RETRY_FIRST, RETRY_MOST = 1.0, 30.0
#: Timeouts for the answer of a target and for accepting video, in seconds.
CONNECT_TIMEOUT, STALL_TIMEOUT = 15.0, 10.0
#: The most seconds of unsent video; then frames are dropped.
WINDOW = 2.0
#: Steps of a packet's time in a second.
_SECOND = 1_000_000
#: Seconds over which the bit rate is averaged.
_BITRATE_SPAN = 5.0

PublishState = Literal["stopped", "connecting", "live", "waiting"]


class Output(Sink[Packet]):
    """Publishes one camera's video to one target.

    Its states are ``stopped``, ``connecting`` and ``live``, and ``waiting`` after a failure.

    Arguments:
        reactor: measures time and starts processes.
        camera: the camera's name.
        target: the target.
        stream: the camera's stream.
        events: receives each change of state.
    """

    def __init__(
        self,
        reactor: Any,
        camera: str,
        target: PublishTarget,
        stream: Stream,
        events: EventBus,
    ) -> None:
        self.camera = camera
        self.target = target
        self._stream = stream
        self._subscription: Subscription | None = None
        self.state: PublishState = "stopped"
        self.frames: int = 0
        self.bytes: int = 0
        self.drops: int = 0
        self.faults: int = 0
        #: The number of times that it became live.
        self.connects = 0
        #: The time of the last fault, in seconds of the reactor's clock, and its reason.
        self.last_fault: tuple[float, str] | None = None
        self._reactor = reactor
        self._events = events
        self._sender: SenderProcess | None = None
        self._backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        self._retry = Timer(reactor)
        self._checking = LoopingCall(self._check_progress)
        self._checking.clock = reactor
        self._track: Track | None = None
        #: The subscription of the sound, and the track of the sound that the sender sends.
        self._sound: Subscription | None = None
        self._sound_track: Track | None = None
        self._connecting_since = self._last_progress = 0.0
        self._first_pts = self._sent_pts = self._taken_pts = 0
        self._needs_keyframe = True
        #: True while frames are dropped because the target is too slow.
        self._is_behind = False
        self._reported = (0, 0)
        self._waiting: list[Deferred[str | None]] = []
        self._byte_counts: deque[tuple[float, int]] = deque()

    @property
    def transcoder(self) -> H264Transcoder | None:
        """The encoder of its video; None if it is stopped, or sends the camera's own packets."""
        return None if self._subscription is None else self._subscription.transcoder

    def bitrate(self) -> int:
        """Return the bits per second of the last five seconds."""
        now = self._reactor.seconds()
        while self._byte_counts and now - self._byte_counts[0][0] > _BITRATE_SPAN:
            self._byte_counts.popleft()
        if len(self._byte_counts) < 2:
            return 0
        (began, first), (ended, last) = self._byte_counts[0], self._byte_counts[-1]
        return round(8 * (last - first) / (ended - began)) if ended > began else 0

    def start(self) -> None:
        """Start publishing, unless it is started."""
        if self.state == "stopped":
            self._backoff.reset()
            self._connect()

    def wait_until_live(self, seconds: float = CONNECT_TIMEOUT) -> Deferred[str | None]:
        """Wait until the target accepts video. Fires with None, or with the reason of a failure.

        Arguments:
            seconds: the time limit.
        """
        if self.state == "live":
            return succeed(None)
        if self.state == "waiting" and self.last_fault is not None:
            return succeed(self.last_fault[1])
        waiting: Deferred[str | None] = Deferred()
        self._waiting.append(waiting)
        late = f"no video could be sent within {seconds:g} s"
        return waiting.addTimeout(seconds, self._reactor, lambda *_: late)

    def stop(self) -> Deferred[None]:
        """Stop publishing. Fires when the sender's process has ended."""
        if self.state == "stopped":
            return succeed(None)
        self._retry.cancel()
        done = self._disconnect()
        self._set_state("stopped")
        return done

    def take(self, packet: Packet, /) -> None:
        """Send a packet, unless the target is behind (hub.Sink)."""
        if self._sender is None:
            if packet.is_keyframe:
                self._start_sender(packet)
            return
        has_other_video = packet.track != self._track
        if has_other_video or (packet.is_keyframe and self._has_other_sound()):
            # Other parameter sets, or other sound, need another stream.
            if not packet.is_keyframe:
                return
            self._sender.close()
            self._sender = None
            self._connecting_since = self._reactor.seconds()
            if self.state == "live":
                change = (
                    self._change_of(packet.track) if has_other_video else "the sound has changed"
                )
                self._set_state("connecting", change)
            self._start_sender(packet)
            return
        if self.state == "connecting" or self._has_backlog(packet):
            # It continues with a keyframe.
            self._is_behind = self.state == "live"
            self.drops += self._is_behind
            self._needs_keyframe = True
            return
        if self._needs_keyframe and not packet.is_keyframe:
            self.drops += self._is_behind
            return
        self._send(packet)

    def _take_sound(self, packet: Packet) -> None:
        """Send a packet of sound, unless the target gets no pictures now."""
        is_sending = self.state == "live" and not self._needs_keyframe
        if self._sender is not None and is_sending and packet.track == self._sound_track:
            self._sender.send(packet)

    def _has_other_sound(self) -> bool:
        """True if the camera's sound has begun, or has changed, since the sender was started."""
        track = None if self._sound is None else self._sound.track
        return track is not None and track != self._sound_track

    def on_removed(self) -> None:
        """Begin again after an internal error (hub.Sink)."""
        self._fail("an internal error; the log has it")

    def _on_live(self) -> None:
        """Become live, with the next keyframe."""
        self._last_progress = self._reactor.seconds()
        self.connects += 1
        self._set_state("live")
        if self._subscription is not None:
            self._subscription.request_keyframe()

    def _on_progress(self, pts: int, frames: int, size: int) -> None:
        """Count sent frames and bytes."""
        now = self._reactor.seconds()
        self._last_progress, self._taken_pts = now, max(pts, self._taken_pts)
        if pts - self._first_pts > RETRY_MOST * _SECOND:
            self._backoff.reset()  # it worked for long enough
        before_frames, before_bytes = self._reported
        self.frames += frames - before_frames
        self.bytes += size - before_bytes
        self._reported = (frames, size)
        self._byte_counts.append((now, self.bytes))
        self.bitrate()

    def _on_end(self, reason: str) -> None:
        """Schedule the next attempt."""
        self._sender = None
        self._fail(reason)

    def _connect(self) -> None:
        self._connecting_since = self._reactor.seconds()
        self._needs_keyframe = True
        self._set_state("connecting")
        if not self._checking.running:
            self._checking.start(1.0, now=False)
        wants = Wants(
            self.target.codecs,
            priority=LATE,
            settings=self.target.encoding,
            encode=self.target.is_encoded,
        )
        if self.target.sounds:
            sound = Wants(self.target.sounds, kind="audio", priority=LATE)
            self._sound = self._stream.subscribe(SoundSink(self._take_sound), sound)
        self._subscription = self._stream.subscribe(self, wants)

    def _start_sender(self, packet: Packet) -> None:
        self._track = packet.track
        self._sound_track = None if self._sound is None else self._sound.track
        self._reported = (0, 0)
        self._byte_counts.clear()
        self._connecting_since = self._reactor.seconds()
        self._first_pts = self._taken_pts = packet.dts
        callbacks = self._on_live, self._on_progress, self._on_end
        codec, sound = packet.track.codec, self._sound_track
        self._sender = SenderProcess(self._reactor, codec, sound, self.target, *callbacks)
        self._send(packet)

    def _change_of(self, track: Track) -> str:
        """Describe the difference of a new track."""
        before = self._track
        if before is not None and (before.width, before.height) != (track.width, track.height):
            return "the picture has another size"
        return "the camera's video has begun again, with other parameters"

    def _send(self, packet: Packet) -> None:
        assert self._sender is not None
        if self._sent_pts <= self._taken_pts:  # nothing is unsent
            self._last_progress = self._reactor.seconds()  # progress is due from now on
            if self._needs_keyframe:
                self._taken_pts = packet.dts  # nothing before it is unsent
        self._needs_keyframe = self._is_behind = False
        self._sent_pts = packet.dts
        self._sender.send(packet)

    def _has_backlog(self, packet: Packet) -> bool:
        unsent = min(self._sent_pts, packet.dts) - self._taken_pts
        return unsent > WINDOW * _SECOND

    def _check_progress(self) -> None:
        """Disconnect from a target that accepts nothing."""
        if self._sender is None:
            return
        now = self._reactor.seconds()
        if self.state == "connecting" and now - self._connecting_since > CONNECT_TIMEOUT:
            self._fail(f"no answer within {CONNECT_TIMEOUT:g} s")
            return
        # The last second may not be reported yet.
        has_unsent = self._sent_pts - self._taken_pts > _SECOND
        is_stalled = now - self._last_progress > STALL_TIMEOUT
        if self.state == "live" and has_unsent and is_stalled:
            self._fail(f"it accepted nothing for {STALL_TIMEOUT:g} s")

    def _fail(self, reason: str) -> None:
        self.faults += 1
        self.last_fault = (self._reactor.seconds(), reason)
        self._disconnect()
        self._retry.start(self._backoff.next(), self._connect)
        self._set_state("waiting", reason)

    def _disconnect(self) -> Deferred[None]:
        """Leave the encoder and end the sender. Fires when its process has ended."""
        self._byte_counts.clear()
        for each in (self._subscription, self._sound):
            if each is not None:
                each.close()
        self._subscription = self._sound = None
        if self._checking.running:
            self._checking.stop()
        sender, self._sender = self._sender, None
        return succeed(None) if sender is None else sender.close()

    def _answer_waiting(self, reason: str | None) -> None:
        """Fire the Deferreds of ``wait_until_live``, unless it is connecting."""
        if self.state != "connecting":
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                if not each.called:  # it may have timed out
                    each.callback("it was stopped" if self.state == "stopped" else reason)

    def _set_state(self, state: PublishState, reason: str | None = None) -> None:
        self.state = state
        self._answer_waiting(reason)
        write = log.warn if reason else log.info
        write(
            "{camera}: publish {target} is {state}{why}",
            camera=self.camera,
            target=self.target.shown,
            state=state,
            why=f": {reason}" if reason else "",
        )
        change = PublishChanged(self.camera, self.target.name, state, reason, self.target.shown)
        self._events.publish(change)
