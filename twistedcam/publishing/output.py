"""One camera's video on its way to one target: tried again for ever, a burden to nobody."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twistedcam.events import EventBus, PublishChanged
from twistedcam.frame import Frame
from twistedcam.publishing.sender_process import GRACE, Link
from twistedcam.publishing.target import Target
from twistedcam.recording.coder import CLOCK
from twistedcam.recording.moment import Coded
from twistedcam.recording.shared import SharedEncoder
from twistedcam.runtime.backoff import Backoff

log = Logger()

#: Seconds between two tries: at first, and at most.
RETRY_FIRST, RETRY_MOST = 1.0, 30.0
#: Seconds that a target may take to answer, and to take what it is sent.
CONNECT_TIMEOUT, STALL_TIMEOUT = 15.0, 10.0
#: Seconds of video that may be on their way to it; beyond, video is left out.
WINDOW = 2.0
#: Seconds that its bit rate is taken over.
_SPAN = 5.0

PublishState = Literal["stopped", "connecting", "live", "waiting"]


class Publication:
    """Sends to a target while it is started (shared.CodedSink, sender_process.LinkListener).

    ``stopped`` → ``connecting`` → ``live``; from both, when it fails, ``waiting`` → ``connecting``.

    Arguments:
        reactor: time and processes.
        camera: the camera's name.
        target: where to.
        encoder: whose frames.
        events: where changes are told.
    """

    def __init__(
        self,
        reactor: Any,
        camera: str,
        target: Target,
        encoder: SharedEncoder,
        events: EventBus,
    ) -> None:
        self.camera = camera
        self.target = target
        self.encoder = encoder
        self.state: PublishState = "stopped"
        self.frames: int = 0
        self.bytes: int = 0
        self.drops: int = 0
        self.faults: int = 0
        #: Times that it became live.
        self.connects = 0
        #: The last fault and the clock's second at which it was, or None.
        self.last_fault: tuple[float, str] | None = None
        self._reactor = reactor
        self._events = events
        self._link: Link | None = None
        self._backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        self._retry: IDelayedCall | None = None
        self._watch = LoopingCall(self._look)
        self._watch.clock = reactor
        self._generation = 0
        self._began = self._heard = 0.0
        self._first = self._last_sent = self._last_taken = 0
        self._needs_keyframe = True
        #: Whether frames are left out because the target is too slow.
        self._is_behind = False
        self._told = (0, 0)
        self._asked: list[Deferred[str | None]] = []
        self._marks: deque[tuple[float, int]] = deque()

    @property
    def is_started(self) -> bool:
        """Whether it is to be published."""
        return self.state != "stopped"

    def bitrate(self) -> int:
        """Bits a second over the last seconds."""
        now = self._reactor.seconds()
        while self._marks and now - self._marks[0][0] > _SPAN:
            self._marks.popleft()
        if len(self._marks) < 2:
            return 0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return round(8 * (last - first) / (ended - began)) if ended > began else 0

    def start(self) -> None:
        """Publish from now on; nothing changes if it does already."""
        if self.state == "stopped":
            self._backoff.reset()
            self._connect()

    def begun(self, seconds: float = CONNECT_TIMEOUT) -> Deferred[str | None]:
        """Wait until the target takes video. Fires with None then, else with the reason why not.

        Arguments:
            seconds: how long to wait at most.
        """
        if self.state == "live":
            return succeed(None)
        if self.state == "waiting" and self.last_fault is not None:
            return succeed(self.last_fault[1])
        asked: Deferred[str | None] = Deferred()
        self._asked.append(asked)
        late = f"no video could be sent within {seconds:g} s"
        return asked.addTimeout(seconds, self._reactor, lambda *_: late)

    def stop(self) -> Deferred[None]:
        """Publish no more. Fires when the target has been told, or cannot be."""
        if self.state == "stopped":
            return succeed(None)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        done: Deferred[None] = Deferred()
        self._leave(done)
        self._enter("stopped")
        return done

    # What the encoder gives.

    def take_coded(self, frame: Frame, coded: Coded) -> None:
        """A frame is encoded: send it, unless the target is behind."""
        if self._link is None:
            if coded.is_keyframe:
                self._begin(coded)
            return
        if coded.generation != self._generation:  # another size: another stream
            self._link.close()
            self._link = None
            self._began = self._reactor.seconds()
            if self.state == "live":
                self._enter("connecting", "the picture has another size")
            self._begin(coded)
            return
        if self.state == "connecting" or self._behind(coded):
            # Nothing waits for a target: what it cannot take now it never gets.
            self._is_behind = self.state == "live"
            self.drops += self._is_behind
            self._needs_keyframe = True
            return
        if self._needs_keyframe and not coded.is_keyframe:
            self.drops += self._is_behind
            return
        self._send(coded)

    # What the sender tells.

    def connected(self) -> None:
        """The target takes video."""
        self._heard = self._reactor.seconds()
        self.connects += 1
        self._enter("live")
        self.encoder.need_keyframe()

    def sent(self, pts: int, frames: int, size: int) -> None:
        """It has come so far."""
        now = self._reactor.seconds()
        self._heard, self._last_taken = now, max(pts, self._last_taken)
        if pts - self._first > RETRY_MOST * CLOCK:
            self._backoff.reset()  # it works: the next wait is a short one
        before_frames, before_bytes = self._told
        self.frames += frames - before_frames
        self.bytes += size - before_bytes
        self._told = (frames, size)
        self._marks.append((now, self.bytes))
        self.bitrate()

    def ended(self, reason: str) -> None:
        """The sender is gone: wait, then try again."""
        self._link = None
        self._fail(reason)

    def _connect(self) -> None:
        self._retry = None
        self._began = self._reactor.seconds()
        self._needs_keyframe = True
        self._enter("connecting")
        if not self._watch.running:
            self._watch.start(1.0, now=False)
        self.encoder.add(self)

    def _begin(self, coded: Coded) -> None:
        self._generation = coded.generation
        self._told = (0, 0)
        self._marks.clear()
        self._began = self._reactor.seconds()
        self._first = self._last_taken = coded.pts
        self._link = Link(self._reactor, self.target, self)
        self._send(coded)

    def _send(self, coded: Coded) -> None:
        assert self._link is not None
        if self._last_sent <= self._last_taken:  # nothing is on its way
            self._heard = self._reactor.seconds()  # from now on an answer is due
            if self._needs_keyframe:
                self._last_taken = coded.pts  # what was left out before it is not, either
        self._needs_keyframe = self._is_behind = False
        self._last_sent = coded.pts
        self._link.send(coded)

    def _behind(self, coded: Coded) -> bool:
        on_their_way = min(self._last_sent, coded.pts) - self._last_taken
        return on_their_way > WINDOW * CLOCK

    def _look(self) -> None:
        """See that the target has not gone silent."""
        if self._link is None:
            return
        now = self._reactor.seconds()
        if self.state == "connecting" and now - self._began > CONNECT_TIMEOUT:
            self._fail(f"no answer within {CONNECT_TIMEOUT:g} s")
        elif (
            self.state == "live"
            and self._last_sent - self._last_taken > CLOCK  # the last second is not told at once
            and now - self._heard > STALL_TIMEOUT
        ):
            self._fail(f"it took nothing for {STALL_TIMEOUT:g} s")

    def _fail(self, reason: str) -> None:
        self.faults += 1
        self.last_fault = (self._reactor.seconds(), reason)
        self._leave(None)
        self._retry = self._reactor.callLater(self._backoff.next(), self._connect)
        self._enter("waiting", reason)

    def _leave(self, done: Deferred[None] | None) -> None:
        """Let encoder and sender go."""
        self._marks.clear()
        self.encoder.remove(self)
        if self._watch.running:
            self._watch.stop()
        link, self._link = self._link, None
        finished = (lambda: None) if done is None else (lambda: done.callback(None))
        if link is None:
            finished()
        else:
            link.close(GRACE, finished)

    def _answer(self, reason: str | None) -> None:
        """Tell those who wait for it how the connecting went, if that is known."""
        if self.state != "connecting":
            asked, self._asked = self._asked, []
            for each in asked:
                if not each.called:  # it may have waited too long
                    each.callback("it was stopped" if self.state == "stopped" else reason)

    def _enter(self, state: PublishState, reason: str | None = None) -> None:
        self.state = state
        self._answer(reason)
        say = log.warn if reason else log.info
        say(
            "{camera}: publish {target} is {state}{why}",
            camera=self.camera,
            target=self.target.shown,
            state=state,
            why=f": {reason}" if reason else "",
        )
        told = PublishChanged(self.camera, self.target.name, state, reason, self.target.shown)
        self._events.publish(told)
