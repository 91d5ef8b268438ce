"""The sound of one camera on its way in: which is taken, when it was captured, if it is muted."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from twistedcam.events import EventBus, SoundChanged
from twistedcam.microphones.devices import microphone_of
from twistedcam.microphones.microphone import Microphone, MicrophoneListener
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import RawPacket
from twistedcam.sources.sound_settings import SoundSettings
from twistedcam.sources.spec import SourceSpec
from twistedcam.stream.camera_sound import CameraSound

log = Logger()

#: Names of microphones by the system, and why there is no sound of a webcam with ``audio=auto``:
#: its microphone can only be found on Linux.
EXAMPLES = {"linux": "alsa:default", "darwin": "avfoundation:0", "win32": "dshow:NAME"}
_NO_MICROPHONE = "no microphone of this webcam was found: name one, such as audio=" + EXAMPLES.get(
    sys.platform, EXAMPLES["linux"]
)
#: Why a relayed camera gives silence.
_MUTED_AT_SOURCE = "it is muted on another server"
#: Seconds for which sound that was captured while muted can be under way. If the clock of its
#: source is slow, it must not be silenced for longer.
_UNDER_WAY = 3.0
#: Seconds for which those who need to know a camera's sound wait while a microphone is opened.
MICROPHONE_OPENS = 3.0
#: Seconds after which the microphone of a webcam is looked for again: it may come a little later.
_LOOK_AGAIN = 5.0


class AudioInput(MicrophoneListener):
    """Decides what becomes of the sound that a camera's source sends, and opens its microphone.

    A microphone is open while the camera is started. If it fails, that changes nothing for the
    picture.

    Arguments:
        camera: the camera's name.
        sound: receives the state of being muted, and the level.
        events: receives changes.
        spec: the source, with the settings of the sound.
        reactor: for microphones.
        deliver: called with each packet of sound that is taken.
        open_microphone: opens a microphone.
        wall_clock: returns the present UNIX time in seconds.

    Raises:
        BadArgument: a setting of the sound is not valid.
    """

    def __init__(
        self,
        camera: str,
        sound: CameraSound,
        events: EventBus,
        spec: SourceSpec,
        reactor: Any,
        deliver: Callable[[RawPacket], None],
        open_microphone: Callable[[Any, str, str, MicrophoneListener], Microphone] = Microphone,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._camera = camera
        self._sound = sound
        self._events = events
        self._reactor = reactor
        self._deliver = deliver
        self._open_microphone = open_microphone
        self._wall_clock = wall_clock
        self._unmuting = Timer(reactor)
        #: Fire when the track of a microphone is known.
        self._waiting: list[Deferred[None]] = []
        self.settings = SoundSettings.from_spec(spec)
        sound.is_muted = self.settings.is_muted
        sound.catch_up = self._catch_up
        self._may_gather = False
        self._microphone: Microphone | None = None
        #: Fires when the microphone before has been closed.
        self._closing: Deferred[None] = succeed(None)
        self._looking = Timer(reactor)
        self._is_started = self._is_live = False
        #: The path of the webcam's device; empty if there is none.
        self._device = ""
        #: Why the webcam's microphone was not found, and why the camera's own sound is of no use.
        self._fault: str | None = None
        self._own_fault: str | None = None
        self._logged: set[str] = set()
        #: Returns True if another server has muted the sound before it is sent.
        self.is_muted_at_source: Callable[[], bool] = lambda: False
        self._was_muted_at_source = False
        self._told: SoundChanged | None = None

    @property
    def is_muted(self) -> bool:
        """True while silence takes the place of all sound."""
        return self._sound.is_muted

    @property
    def gives_silence(self) -> bool:
        """True while silence takes the place of all sound, by this server or the one before."""
        return self.is_muted or (self.settings.takes_own and self.is_muted_at_source())

    @property
    def state(self) -> str:
        """The state of the sound, as in SoundChanged; ``none`` if the camera sends none."""
        if self.settings.is_off and not self.is_muted:
            return "off"
        if self.gives_silence:
            return "muted"
        if self._microphone is not None:
            return self._microphone.state
        if self._fault is not None:
            return "recovering"
        return "none" if self._sound.hub.newest is None else "live"

    @property
    def is_awaited(self) -> bool:
        """True while a microphone is opened for the first time."""
        return self._microphone is not None and self._microphone.state == "starting"

    @property
    def reason(self) -> str | None:
        """The reason why there is no sound, or why it cannot be transcoded; or None."""
        if self._microphone is not None and self._microphone.reason is not None:
            return self._microphone.reason
        if self.gives_silence and not self.is_muted:
            return _MUTED_AT_SOURCE
        return self._fault or self._own_fault or self._sound.fault

    def when_known(self) -> Deferred[None]:
        """Wait until the track of a microphone that is being opened is known, but not for long."""
        known: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(known)
        timer = Timer(self._reactor)
        timer.start(MICROPHONE_OPENS, self._end_wait, known)

        def end(result: None) -> None:
            timer.cancel()
            return result

        known.addBoth(end)
        self._end_waits()
        return known

    def _end_waits(self) -> None:
        """Let all continue who wait for the track, if it is known or does not come soon."""
        microphone = self._microphone
        comes = microphone is not None and microphone.state in ("starting", "live")
        if not comes or self._sound.track is not None:
            for each in tuple(self._waiting):
                self._end_wait(each)

    def _end_wait(self, known: Deferred[None]) -> None:
        if known in self._waiting:
            self._waiting.remove(known)
            known.callback(None)

    def use(self, spec: SourceSpec) -> None:
        """Use other settings from now on.

        Raises:
            BadArgument: one of them is not valid; nothing has changed.
        """
        before, self.settings = self.settings, SoundSettings.from_spec(spec)
        if self.settings == before:
            return
        origin = before.takes_own, before.microphone
        if origin != (self.settings.takes_own, self.settings.microphone):
            self._sound.forget()
            self._own_fault = None
        self._sound.is_muted = self.settings.is_muted
        if before.is_muted != self.settings.is_muted:
            self._set_muted_until(0.0 if self.is_muted else self._wall_clock())
            what = "is muted" if self.settings.is_muted else "is not muted any more"
            log.info("{camera}: the sound {what}", camera=self._camera, what=what)
        self._choose()
        self._tell()

    def follow(self, is_started: bool, device: str, is_live: bool = False) -> None:
        """Open the microphone while the camera is started.

        Arguments:
            device: the path of the webcam's device; empty if it is unknown.
            is_live: True if the camera gives pictures, so that its device is known.
        """
        self._is_started, self._device = is_started, device or self._device
        self._is_live = is_live
        if not is_started:
            self._set_muted_until(0.0)
        self._choose()

    def gather(self, wanted: bool) -> None:
        """Let the microphone's sound gather, which costs less, or deliver it at once."""
        self._may_gather = wanted
        if self._microphone is not None:
            self._microphone.gather(wanted)

    def closed(self) -> Deferred[None]:
        """Fires when the microphone that was closed last is closed."""
        done: Deferred[None] = Deferred()

        def fire(result: object) -> object:
            done.callback(None)
            return result

        self._closing.addBoth(fire)
        return done

    def take_own(self, raw: RawPacket) -> None:
        """Pass a packet of the camera's own sound on, if it is wanted."""
        if self.settings.takes_own:
            self._own_fault = None
            self._pass_on(raw)
            is_muted = self.is_muted_at_source()
            if is_muted != self._was_muted_at_source:
                self._was_muted_at_source = is_muted
                self._tell()

    def note_fault(self, reason: str) -> None:
        """Tell why the camera's own sound cannot be used; the log says it once.

        Arguments:
            reason: empty if nothing is wrong with it any more.
        """
        if not self.settings.takes_own or (reason or None) == self._own_fault:
            return
        self._own_fault = reason or None
        if reason and reason not in self._logged:
            self._logged.add(reason)
            log.warn("{camera}: {reason}", camera=self._camera, reason=reason)
        self._tell()

    # Events of the microphone (MicrophoneListener).

    def on_sound(self, raw: RawPacket) -> None:
        """Pass a piece of sound on."""
        time_us = round(raw.time * 1e6)
        if not self._sound.is_silenced(time_us + round(self.settings.offset_ms * 1000)):
            self._sound.source_meter.note(time_us, raw.data)
        self._pass_on(raw)

    def on_microphone_state(self) -> None:
        """Tell the microphone's state."""
        self._tell()

    def _catch_up(self) -> Deferred[None]:
        return succeed(None) if self._microphone is None else self._microphone.catch_up()

    def _set_muted_until(self, time: float) -> None:
        """Silence what was captured before a UNIX time and is still under way."""
        offset = self.settings.offset_ms / 1000
        self._sound.muted_until_us = round((time + offset) * 1e6) if time else 0
        self._unmuting.cancel()
        if time:
            self._sound.source_meter.clear()
            self._unmuting.start(_UNDER_WAY, self._set_muted_until, 0.0)

    def _choose(self) -> None:
        """Open the microphone of the settings, and close another one."""
        self._looking.cancel()
        wanted = self._wanted() if self._is_started else None
        now = None if self._microphone is None else self._microphone.source
        if wanted == now:
            if self._fault is not None:
                self._tell()
            return
        if self._microphone is not None:
            self._closing = self._microphone.close()
            self._microphone = None
            self._sound.source_meter.clear()
        if wanted is not None:
            self._microphone = self._open_microphone(self._reactor, self._camera, wanted, self)
            self._microphone.gather(self._may_gather)
        self._tell()

    def _wanted(self) -> str | None:
        self._fault = None
        if self.settings.microphone != "auto":
            return self.settings.microphone
        if not self._device and not self._is_live:
            return None  # the webcam is not open yet
        found = microphone_of(self._device) if self._device else None
        if found is None:
            self._fault = _NO_MICROPHONE
            self._looking.start(_LOOK_AGAIN, self._choose)
            return None if self._microphone is None else self._microphone.source
        return found.source

    def _pass_on(self, raw: RawPacket) -> None:
        offset = self.settings.offset_ms
        self._deliver(raw._replace(time=raw.time + offset / 1000) if offset else raw)
        if self._waiting:
            self._end_waits()

    def _tell(self) -> None:
        self._end_waits()
        event = SoundChanged(self._camera, self.state, self.is_muted, self.reason)
        if event != self._told:
            self._told = event
            self._events.publish(event)
