"""A microphone that a process reads: opened, watched over, and tried again after failures."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.codecs.audio_level import is_digital_silence
from twistedcam.codecs.audio_resampler import RATE
from twistedcam.media.track import AUDIO, Track
from twistedcam.microphones.alsa import reason_in
from twistedcam.microphones.messages import (
    IDLE,
    LISTENED,
    MicrophoneDecoder,
    MicrophoneFailed,
    Opened,
    Sound,
)
from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.child_process import ChildProcess, module_command
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import RawPacket

log = Logger()

#: Seconds that a microphone may take to be opened and to give its first sound, and later to give
#: more.
OPEN_PATIENCE, PATIENCE = 10.0, 5.0
#: Seconds of nothing but zeros after which a microphone counts as silent.
SILENT_AFTER = 10.0
#: Seconds for which the sound that was captured so far is waited for.
_REST_COMES = 0.5
#: Seconds before a microphone that failed is tried again: the first wait, and the longest.
_RETRY_FIRST, _RETRY_MOST = 0.5, 30.0
#: Seconds between two checks if sound cards have come or gone, while a microphone is waited for.
_CHECK_EVERY = 1.0
_CARDS = "/dev/snd"
#: Seconds after which a process that has to end is killed.
_GRACE = 1.0
_MAX_ERRORS = 4096
_NEEDS_SOUND = "it gives only silence: is it switched off, or muted in the system's settings?"

MicrophoneState = Literal["starting", "live", "silent", "recovering"]


class MicrophoneListener(Protocol):
    """Receives what a microphone gives, on the reactor's thread."""

    def on_sound(self, raw: RawPacket) -> None:
        """A piece of sound has come."""

    def on_microphone_state(self) -> None:
        """Its state or its reason has changed."""


class Microphone:
    """A microphone that is to be open until it is closed.

    Arguments:
        reactor: starts the process, and measures time.
        camera: the camera's name, for the log.
        source: ``KIND:NAME`` (sources.sound_settings).
        listener: receives the sound.
        wall_clock: returns the present UNIX time in seconds.
    """

    def __init__(
        self,
        reactor: Any,
        camera: str,
        source: str,
        listener: MicrophoneListener,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._wall_clock = wall_clock
        self.source = source
        self.state: MicrophoneState = "starting"
        #: Why it is silent or recovering, or None.
        self.reason: str | None = None
        self._reactor = reactor
        self._camera = camera
        self._listener: MicrophoneListener | None = listener
        self._backoff = Backoff(_RETRY_FIRST, _RETRY_MOST)
        self._retry = Timer(reactor)
        self._check = Timer(reactor)
        self._silence = Timer(reactor)
        self._process: _ReaderProcess | None = None
        self._track: Track | None = None
        #: Seconds of zeros so far.
        self._zeros = 0.0
        self._is_gathering = False
        #: Those who wait for sound until a time of capture, in microseconds since the UNIX epoch.
        self._awaited: list[tuple[int, Deferred[None]]] = []
        self._rest = Timer(reactor)
        self._open()

    def close(self) -> Deferred[None]:
        """Close it; fires when its process has ended."""
        self._listener = None
        self._retry.cancel()
        self._check.cancel()
        self._silence.cancel()
        self._end_waits()
        process, self._process = self._process, None
        return succeed(None) if process is None else process.close()

    def gather(self, wanted: bool) -> None:
        """Give sound in longer pieces, which cost less, or as soon as it is there."""
        self._is_gathering = wanted
        self._tell_process()

    def catch_up(self) -> Deferred[None]:
        """Fires when the listener has the sound that was captured so far, or it does not come."""
        if self.state not in ("live", "silent"):
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._awaited.append((round(self._wall_clock() * 1e6), done))
        self._rest.start(_REST_COMES, self._end_waits)
        self._tell_process()
        return done

    # Called by the process.

    def on_message(self, message: Opened | Sound | MicrophoneFailed) -> None:
        """Take a message of the process."""
        if isinstance(message, Sound):
            self._take(message)
        elif isinstance(message, Opened):
            form = "pcm_s16le", 0, 0, Fraction(RATE), message.channels
            self._track = Track(AUDIO, "audio", *form)
            log.info(
                "{camera}: the microphone {source} is open",
                camera=self._camera,
                source=self.source,
            )

    def on_end(self, reason: str) -> None:
        """Try again later: the process has ended."""
        self._process = self._track = None
        self._silence.cancel()
        self._zeros = 0.0
        self._end_waits()
        if self._listener is None:
            return
        self._set_state("recovering", reason)
        self._retry.start(self._backoff.next(), self._open)
        self._check.start(_CHECK_EVERY, self._check_cards, cards_signature())

    def _check_cards(self, before: object) -> None:
        """Try again soon when a sound card was plugged in."""
        now = cards_signature()
        if now != before and now is not None:
            self._backoff.reset()
            self._retry.start(self._backoff.next(), self._open)
        self._check.start(_CHECK_EVERY, self._check_cards, now)

    def _end_waits(self, until_us: float = math.inf) -> None:
        """Let those continue who wait for sound until a time of capture."""
        if not self._awaited:
            return
        done = [each for time_us, each in self._awaited if time_us <= until_us]
        self._awaited = [each for each in self._awaited if each[0] > until_us]
        if not self._awaited:
            self._rest.cancel()
            self._tell_process()
        for each in done:
            each.callback(None)

    def _tell_process(self) -> None:
        if self._process is not None:
            self._process.gather(self._is_gathering and not self._awaited)

    def _open(self) -> None:
        self._check.cancel()
        self._process = _ReaderProcess(self._reactor, self.source, self.on_message, self.on_end)
        self._tell_process()
        self._silence.start(OPEN_PATIENCE, self._give_up, "it could not be opened in time")

    def _take(self, sound: Sound) -> None:
        if self._listener is None or self._track is None:
            return
        self._backoff.reset()
        self._silence.start(PATIENCE, self._give_up, f"nothing came for {PATIENCE:g} s")
        seconds = len(sound.samples) / 2 / self._track.channels / RATE
        if is_digital_silence(sound.samples):
            self._zeros += seconds
        else:
            self._zeros = 0.0
        if self._zeros < SILENT_AFTER:
            self._set_state("live")
        else:
            self._set_state("silent", _NEEDS_SOUND)
        raw = RawPacket(self._track, sound.time_us / 1e6, sound.samples)
        self._listener.on_sound(raw)
        self._end_waits(sound.time_us + seconds * 1e6)

    def _give_up(self, reason: str) -> None:
        """End a process that gives nothing: its driver may hang."""
        if self._process is not None:
            self._process.kill(reason)

    def _set_state(self, state: MicrophoneState, reason: str | None = None) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        self.state, self.reason = state, reason
        if reason is not None:
            log.warn(
                "{camera}: the microphone {source} is {state}: {reason}",
                camera=self._camera,
                source=self.source,
                state=state,
                reason=reason,
            )
        if self._listener is not None:
            self._listener.on_microphone_state()


def cards_signature() -> int | None:
    """Return a number that changes when a sound card comes or goes; None if there is none."""
    try:
        return os.stat(_CARDS).st_mtime_ns
    except OSError:
        return None


class _ReaderProcess(ChildProcess):
    """The process of a microphone. No callback is called after ``close``."""

    def __init__(
        self,
        reactor: Any,
        source: str,
        on_message: Callable[[Opened | Sound | MicrophoneFailed], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._source = source
        self._on_message = on_message
        self._report_end = on_end
        self._decoder = MicrophoneDecoder()
        self._errors = b""
        self._reason = ""
        self._is_closing = self._is_gathering = False
        super().__init__(reactor, module_command("twistedcam.microphones"), on_end=self._ended)

    def connectionMade(self) -> None:
        self.transport.write(f"{self._source}\n".encode())  # type: ignore[union-attr]

    def gather(self, wanted: bool) -> None:
        """Tell the process if its pieces may be long (Microphone.gather)."""
        if wanted != self._is_gathering and not self._is_closing:
            self._is_gathering = wanted
            self.transport.write(IDLE if wanted else LISTENED)  # type: ignore[union-attr]

    def close(self) -> Deferred[None]:
        """End the process, and kill it after a second. Fires when it has ended."""
        self._is_closing = True
        self.transport.closeStdin()  # type: ignore[union-attr]
        return self.wait_or_kill(_GRACE)

    def kill(self, reason: str) -> None:
        """End the process at once.

        Arguments:
            reason: that is reported.
        """
        self._reason = self._reason or reason
        self.wait_or_kill(0)

    def outReceived(self, data: bytes) -> None:
        if self._is_closing or self._reason:
            return
        try:
            for message in self._decoder.feed(data):
                if isinstance(message, MicrophoneFailed):
                    self._reason = message.reason
                if not self._is_closing:
                    self._on_message(message)
        except ValueError as error:
            self.kill(f"its process sent nonsense: {error}")

    def errReceived(self, data: bytes) -> None:
        self._errors = (self._errors + data)[-_MAX_ERRORS:]

    def _ended(self, _: Failure) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._report_end(reason_in(self._errors.decode(errors="replace"), self._reason))
