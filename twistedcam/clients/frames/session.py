"""The client's side of one connection, without input and output."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from twistedcam import wire
from twistedcam.clients.frames.address import DEFAULT_PORT, CameraAddress
from twistedcam.errors import (
    BadArgument,
    BadMessage,
    CertificateRefused,
    Disconnected,
    Silence,
    TwistedcamError,
    Unauthorized,
    UnknownCamera,
    UnsupportedCodec,
    VersionMismatch,
    WireError,
)
from twistedcam.media import jpeg
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.util.camera_name import MAX_TITLE
from twistedcam.util.one_line import on_one_line

#: Seconds between two PINGs, and of silence after which the connection is closed.
PING_EVERY = 2.0
SILENCE_LIMIT = 10.0
#: Seconds that a published packet of H.264 or H.265 may be unacknowledged before others are sent.
MAX_DELAY = 0.4
#: Seconds for which a measurement of the clocks' difference is used.
_CLOCK_KEPT = 120.0

#: The maximum length of a state's reason and of other words, and the maximum rate.
MAX_REASON = 500
MAX_WORD = 64
MAX_FPS = 1000.0
_MAX_SIDE = 65535

#: The errors of the frame protocol. Other protocols have subclasses elsewhere, with the same codes.
_KINDS: tuple[type[TwistedcamError], ...] = (
    *(each for each in WireError.__subclasses__() if each.__module__ == WireError.__module__),
    Unauthorized,
)
_ERRORS = {each.code: each for each in _KINDS}
#: Errors for which another attempt is useless.
REFUSALS = (
    UnknownCamera,
    Unauthorized,
    VersionMismatch,
    BadMessage,
    UnsupportedCodec,
    CertificateRefused,
)


@dataclass(frozen=True)
class ClockOffset:
    """The difference between the server's clock and this machine's.

    Arguments:
        seconds: the server's time minus this machine's.
        error: the maximum error of ``seconds``, plus or minus, in seconds.
    """

    seconds: float = 0.0
    error: float = float("inf")

    @property
    def known(self) -> bool:
        """True if it was measured."""
        return self.error != float("inf")

    @property
    def disagrees(self) -> bool:
        """True if the clocks differ by more than the measurement's error and 5 ms."""
        return self.known and abs(self.seconds) > self.error + 0.005


def check_codecs(codecs: Sequence[str]) -> tuple[str, ...]:
    """Return codecs of the frame protocol as a tuple; a string is one codec.

    Raises:
        BadArgument: there is none, or one is unknown.
    """
    known = wire.CODECS | wire.SOUND_CODECS
    given = (codecs,) if isinstance(codecs, str) else tuple(codecs)
    for each in given:
        if each not in known:
            raise BadArgument(f"codec {each!r} is unknown: use {', '.join(known)}")
    if not given:
        raise BadArgument(f"at least one codec is needed: {', '.join(known)}")
    return given


class ClientSession:
    """One connection to a frame port, as a viewer or as a publisher.

    Pass received bytes to :meth:`receive`, send the bytes of :meth:`output`, and call :meth:`tick`
    about once a second. Times are seconds of a monotonic clock.

    Arguments:
        target: the camera.
        role: ``view`` or ``publish``.
        window: the maximum number of unacknowledged frames.
        codecs: the codecs that a viewer understands, in order of preference; those of sound, too,
            if it wants sound.
        wall: returns this machine's time, seconds since the UNIX epoch.
    """

    def __init__(
        self,
        target: CameraAddress,
        role: wire.Role = "view",
        window: int = 2,
        wall: Callable[[], float] = time.time,
        codecs: Sequence[str] = ("mjpeg",),
    ) -> None:
        self.target = target
        self.role = role
        self.window = window
        #: The server's HELLO, once it was received.
        self.hello: wire.Hello | None = None
        #: The camera's newest STATE, once one was received.
        self.state: wire.State | None = None
        #: What was replaced in the first invalid STATE (``check_state``), or an empty text.
        self.refused = ""
        #: The number of received messages other than frames.
        self.other_messages = 0
        #: The number of frames that the server did not send, by the gaps in their numbers.
        self.missed = 0
        self.bytes = 0
        self.round_trip: float | None = None
        self._wall = wall
        self._codecs = check_codecs(codecs)
        self._checker = wire.PacketChecker()
        self._sound_checker = wire.SoundChecker()
        self._decoder = wire.Decoder()
        self._out = bytearray()
        self._last_seq = 0
        self._received_at: float | None = None
        self._pinged: tuple[bytes, float, float] | None = None
        self._ping_due = 0.0
        self._ping_number = 0
        self._await_clock: float | None = None
        self._clocks: deque[tuple[float, ClockOffset]] = deque()
        #: Sequence numbers and times of frames that were published, oldest first.
        self._unacknowledged: deque[tuple[int, float]] = deque()
        #: True if the server has asked for a key frame; the publisher sets it back.
        self.is_keyframe_wanted = False

    @property
    def clock(self) -> ClockOffset:
        """The best measurement of the last two minutes."""
        return min((each for _, each in self._clocks), key=lambda o: o.error, default=ClockOffset())

    def receive(self, data: bytes, now: float) -> Iterator[Packet | wire.State]:
        """Yield the frames and states that ``data`` completes.

        A frame of JPEG is a Frame, one of another codec a Packet with its track. Sound is a Packet
        whose track is of the kind ``audio``.

        Raises:
            WireError, Unauthorized: the server has sent ERROR, or violates the protocol.
            Disconnected: the server has sent BYE.
        """
        self._received_at = now
        self.bytes += len(data)
        for message in self._messages(data):
            if isinstance(message, wire.FrameMessage):
                frame = self._frame(message)
                if frame is not None:
                    yield frame
                continue
            self.other_messages += 1
            if isinstance(message, wire.State):
                self.state, refused = check_state(message)
                self.refused = self.refused or refused
                yield self.state
            else:
                self._other(message, now)

    def output(self) -> bytes:
        """Return the bytes to send; empty if there are none."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def tick(self, now: float) -> None:
        """Send a PING if one is due.

        Raises:
            Silence: nothing was received for too long.
        """
        if self._received_at is None:
            self._received_at = now
        if now - self._received_at >= SILENCE_LIMIT:
            raise Silence(f"nothing was received from the server for {SILENCE_LIMIT:g} s")
        if self.hello is not None and now >= self._ping_due:
            self._ping(now)

    def can_publish(self) -> bool:
        """True if the server can take a frame: the camera runs, and the window is not full."""
        return self._is_running and (not self.window or len(self._unacknowledged) < self.window)

    def can_publish_packet(self, now: float) -> bool:
        """True if the server can take a packet that others refer to: time is limited here."""
        waiting = self._unacknowledged
        return self._is_running and (not waiting or now - waiting[0][1] < MAX_DELAY)

    def published(self, seq: int, now: float = 0.0) -> None:
        """Note that the frame of this number was sent."""
        self._unacknowledged.append((seq, now))

    @property
    def _is_running(self) -> bool:
        return self.state is not None and self.state.state != "stopped"

    def bye(self) -> None:
        """Send BYE."""
        self._out += wire.Bye().encode()

    def _messages(self, data: bytes) -> Iterator[wire.Message]:
        try:
            yield from self._decoder.feed(data)
        except WireError as error:
            if self.hello is not None:
                raise
            raise BadMessage(  # probably another port of the same server
                f"{self.target} is not a frame port of twistedcam; 'twistedcam serve' shows it, "
                f"{DEFAULT_PORT} by default ({error})"
            ) from None

    def _frame(self, message: wire.FrameMessage) -> Packet | None:
        """Check and acknowledge a frame; None for one before the first key frame."""
        frame = message.frame
        if self.role != "view" or self.state is None:
            raise BadMessage("a frame is not allowed now")
        checked: Packet | None = frame
        if isinstance(frame, Frame):
            wire.check_image(frame)
        elif frame.track.codec not in self._codecs:
            raise BadMessage(f"frame {frame.seq} is {frame.track.codec}, which was not asked for")
        elif message.is_configuration:
            self._sound_checker.configure(frame.track)
            return None
        elif frame.track.kind == "audio":
            return self._sound_checker.check(frame)
        else:
            checked = self._checker.check(frame)
        if self._last_seq and frame.seq > self._last_seq:
            self.missed += frame.seq - self._last_seq - 1
        self._last_seq = frame.seq
        if self.window:
            self._out += wire.Ack(frame.seq).encode()
        return checked

    def _other(self, message: wire.Message, now: float) -> None:
        if isinstance(message, wire.Ping):
            self._out += wire.Pong(message.data).encode()
            self._compare_clocks(message, now)
        elif isinstance(message, wire.Pong):
            self._ponged(message, now)
        elif isinstance(message, wire.Error):
            error = _ERRORS.get(message.code, WireError)
            raise error(on_one_line((message.message or message.code)[:MAX_REASON]))
        elif isinstance(message, wire.Bye):
            raise Disconnected("the server has ended the connection")
        elif isinstance(message, wire.Ack) and self.role == "publish":
            while self._unacknowledged and self._unacknowledged[0][0] <= message.seq:
                self._unacknowledged.popleft()
        elif isinstance(message, wire.Keyframe) and self.role == "publish":
            self.is_keyframe_wanted = True
        elif isinstance(message, wire.Hello) and self.hello is None:
            self._join(message, now)
        else:
            raise BadMessage(f"{wire.name_of(message)} is not allowed now")

    def _join(self, hello: wire.Hello, now: float) -> None:
        self.hello = hello
        if hello.protocol != wire.PROTOCOL:
            server = on_one_line(hello.server[:MAX_WORD]) or "the server"
            raise VersionMismatch(
                f"{server} uses version {str(hello.protocol)[:MAX_WORD]} of the protocol, "
                f"this program version {wire.PROTOCOL}"
            )
        mac = None
        if hello.auth:
            if self.target.token is None:
                raise Unauthorized(
                    "the server requires a token: use --token, or :TOKEN@ in the URL"
                )
            mac = wire.mac_of(self.target.token, self.role, hello.nonce)
        fps = self.target.fps if self.role == "view" else None
        codecs = self._codecs if self.role == "view" else ("mjpeg",)
        join = wire.Join(
            self.role,
            self.target.camera,
            fps,
            self.window,
            mac,
            clock=True,
            codecs=codecs,
            keyframes=self.role == "publish",
        )
        self._out += join.encode()
        self._ping(now)

    def _ping(self, now: float) -> None:
        self._ping_number += 1
        data = self._ping_number.to_bytes(8, "big")
        self._out += wire.Ping(data).encode()
        self._pinged = (data, now, self._wall())
        self._ping_due = now + PING_EVERY

    def _ponged(self, pong: wire.Pong, now: float) -> None:
        if self._pinged is not None and self._pinged[0] == pong.data:
            _, at, self._await_clock = self._pinged
            self.round_trip = now - at
            self._pinged = None

    def _compare_clocks(self, ping: wire.Ping, now: float) -> None:
        """Measure the clocks: a PING after our PONG has the server's time between our two times."""
        if self._await_clock is None:
            return
        here, asked, self._await_clock = self._wall(), self._await_clock, None
        offset = ClockOffset(wire.clock_of(ping) - (asked + here) / 2, (here - asked) / 2)
        self._clocks.append((now, offset))
        while now - self._clocks[0][0] > _CLOCK_KEPT:
            self._clocks.popleft()


def check_state(state: wire.State) -> tuple[wire.State, str]:
    """Return a valid STATE, and a description of what was replaced, or an empty text.

    An impossible picture size, or a rate above ``MAX_FPS``, is replaced by 0, which means unknown.
    Texts are shortened and put on one line.
    """
    size, fps, refused = (state.width, state.height), state.fps, []
    if size != (0, 0) and not _is_size(*size):
        refused.append(f"pictures of {_number(size[0])}x{_number(size[1])}")
        size = (0, 0)
    if not 0 <= fps <= MAX_FPS:
        refused.append(f"{_number(fps)} pictures a second")
        fps = 0.0
    reason = None if state.reason is None else on_one_line(state.reason[:MAX_REASON])
    checked = replace(
        state,
        camera=state.camera[:MAX_WORD],
        state=on_one_line(state.state[:MAX_WORD]),
        width=size[0],
        height=size[1],
        fps=fps,
        reason=reason,
        title=None if state.title is None else on_one_line(state.title[:MAX_TITLE]) or None,
        via=tuple(word[:MAX_WORD] for word in state.via),
    )
    return checked, " and ".join(refused)


def _is_size(width: int, height: int) -> bool:
    sides = 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE
    return sides and width * height <= jpeg.MAX_PIXELS


def _number(value: float) -> str:
    return str(value) if abs(value) < 1e6 else f"{value:.3g}"
