"""The sound of one camera on its way in: which is taken, when it was captured, if it is muted."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from twistedcam.events import EventBus, SoundChanged
from twistedcam.sources.base import RawPacket
from twistedcam.sources.sound_settings import SoundSettings
from twistedcam.sources.spec import SourceSpec
from twistedcam.stream.camera_sound import CameraSound

log = Logger()


class AudioInput:
    """Decides what becomes of the sound that a camera's source sends.

    Arguments:
        camera: the camera's name.
        sound: receives the state of being muted.
        events: receives changes.
        spec: the source, with the settings of the sound.

    Raises:
        BadArgument: a setting of the sound is not valid.
    """

    def __init__(self, camera: str, sound: CameraSound, events: EventBus, spec: SourceSpec) -> None:
        self._camera = camera
        self._sound = sound
        self._events = events
        self.settings = SoundSettings.from_spec(spec)
        sound.is_muted = self.settings.is_muted

    @property
    def is_muted(self) -> bool:
        """True while silence takes the place of all sound."""
        return self._sound.is_muted

    @property
    def state(self) -> str:
        """The state of the sound, as in SoundChanged; ``none`` if the camera sends none."""
        if self.is_muted:
            return "muted"
        if self.settings.is_off:
            return "off"
        return "none" if self._sound.hub.newest is None else "live"

    @property
    def reason(self) -> str | None:
        """The reason why there is no sound, or why it cannot be transcoded; or None."""
        return self._sound.fault

    def use(self, spec: SourceSpec) -> None:
        """Use other settings from now on.

        Raises:
            BadArgument: one of them is not valid; nothing has changed.
        """
        before, self.settings = self.settings, SoundSettings.from_spec(spec)
        if self.settings == before:
            return
        if before.takes_own != self.settings.takes_own:
            self._sound.forget()
        self._sound.is_muted = self.settings.is_muted
        if before.is_muted != self.settings.is_muted:
            what = "is muted" if self.settings.is_muted else "is not muted any more"
            log.info("{camera}: the sound {what}", camera=self._camera, what=what)
        self._tell()

    def take_own(self, raw: RawPacket, deliver: Callable[[RawPacket], None]) -> None:
        """Pass a packet of the camera's own sound on, if it is wanted, with its time corrected."""
        if self.settings.takes_own:
            deliver(self._shifted(raw))

    def _shifted(self, raw: RawPacket) -> RawPacket:
        offset = self.settings.offset_ms
        return raw._replace(time=raw.time + offset / 1000) if offset else raw

    def _tell(self) -> None:
        state, reason = self.state, self.reason
        self._events.publish(SoundChanged(self._camera, state, self.is_muted, reason))
