"""Finds the smaller stream of a camera among the profiles that it lists by ONVIF."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.camera.status import CameraStatus
from twistedcam.errors import CameraFailed, LoginRefused, TwistedcamError
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.runtime.timer import Timer
from twistedcam.sources.onvif.address import OnvifAddress, find_profiles_address
from twistedcam.sources.spec import SourceSpec

if TYPE_CHECKING:
    from twistedcam.sources.onvif.profiles import OnvifProfile

log = Logger()

#: Seconds after which a camera that did not answer is asked again.
RETRY = 30.0
#: Settings of the camera's source that its smaller stream has, too.
_SHARED = ("transport", "verify")


class SubstreamSearch:
    """Looks for the smaller stream of one camera each time that the camera becomes live.

    A camera without a known address of ONVIF is not asked.

    Arguments:
        status: the camera's status.
        events: tell that it is live.
        clock: measures the time to the next attempt.
        make_thread: returns a new thread for blocking calls.
        on_found: is called with the source of the smaller stream, or None, when it has changed.
    """

    def __init__(
        self,
        status: CameraStatus,
        events: EventBus,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        on_found: Callable[[SourceSpec | None], None],
    ) -> None:
        self._status = status
        self._make_thread = make_thread
        self._on_found = on_found
        self._found: SourceSpec | None = None
        #: The source in which ``_found`` was found.
        self._found_in: tuple[str, ...] = ()
        self._is_live = self._is_looking = self._has_ended = False
        self._problem = ""
        self._retry = Timer(clock)
        self._unsubscribe = events.subscribe(self._on_event)
        self._follow()

    def close(self) -> None:
        """Look no more; nothing is told from now on."""
        self._has_ended = True
        self._unsubscribe()
        self._retry.cancel()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._status.name:
            self._follow()

    def _follow(self) -> None:
        """Look if the camera has become live, and forget the stream of another source."""
        if self._found is not None and self._found_in != self._key():
            self._use(None)
        was_live, self._is_live = self._is_live, self._status.state == "live"
        if self._is_live and not was_live:
            self._look()
        elif not self._is_live:
            self._retry.cancel()

    def _key(self) -> tuple[str, ...]:
        """Return the settings on which the profiles depend."""
        spec = self._status.spec
        settings = (spec.settings.get(name, "") for name in ("ptz", "path", *_SHARED))
        return (spec.scheme, spec.target, *settings)

    def _look(self) -> None:
        self._retry.cancel()
        if self._is_looking:
            return
        try:
            address = find_profiles_address(self._status.spec)
        except TwistedcamError as error:
            log.warn("{camera}: {why}", camera=self._status.name, why=str(error))
            return
        if address is None:
            return
        self._is_looking = True
        key, size = self._key(), (self._status.width, self._status.height)
        verify = self._status.spec.settings.get("verify", "1") == "1"
        looking = run_in_thread(self._make_thread, lambda: _ask(address, size, verify))
        looking.addBoth(self._looked, key, address)

    def _looked(
        self, result: OnvifProfile | Failure | None, key: tuple[str, ...], address: OnvifAddress
    ) -> None:
        self._is_looking = False
        if self._has_ended:
            return
        if key != self._key():
            if self._is_live:
                self._look()
        elif isinstance(result, Failure):
            self._failed(result)
        else:
            self._problem = ""
            self._note(result, address)

    def _note(self, profile: OnvifProfile | None, address: OnvifAddress) -> None:
        """Note what the camera has."""
        if profile is None:
            self._use(None)
            return
        settings = self._status.spec.settings
        shared = {name: settings[name] for name in _SHARED if name in settings}
        found = address.source(profile.token, shared)
        if found != self._found:
            log.info(
                "{camera} has a smaller stream: {size} {codec}",
                camera=self._status.name,
                size=f"{profile.width}x{profile.height}",
                codec=profile.codec,
            )
        self._use(found)

    def _use(self, found: SourceSpec | None) -> None:
        before, self._found, self._found_in = self._found, found, self._key()
        if found != before:
            self._on_found(found)

    def _failed(self, why: Failure) -> None:
        """Keep what was found before; ask again later, but not with a login that is refused."""
        if why.check(CameraFailed) is None:
            log.failure("a smaller stream could not be looked for", failure=why)
            return
        text = why.getErrorMessage()
        if text != self._problem:
            self._problem = text
            log.info(
                "{camera}: its profiles are not known: {why}", camera=self._status.name, why=text
            )
        if self._is_live and why.check(LoginRefused) is None:
            self._retry.start(RETRY, self._look)


def _ask(address: OnvifAddress, size: tuple[int, int], verify: bool) -> OnvifProfile | None:
    """Ask the camera for its smaller profile; called in a thread."""
    # Few servers have such a camera.
    from twistedcam.sources.onvif.device import OnvifDevice
    from twistedcam.sources.onvif.profiles import smaller_profile

    device = OnvifDevice(address, verify)
    try:
        profiles = device.profiles()
        return smaller_profile(profiles, device.choose(profiles), size)
    finally:
        device.close()
