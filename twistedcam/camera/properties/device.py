"""The controls of a webcam, such as brightness and focus, as properties of the camera."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as Late
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera.properties.base import Property, Value
from twistedcam.camera.status import CameraStatus
from twistedcam.errors import BadArgument, CameraFailed, TwistedcamError
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import SourceSpec
from twistedcam.sources.webcam.controls import (
    SHORT,
    find_change,
    menu_words,
    opposites,
    set_controls,
    short_name,
    shown,
)
from twistedcam.sources.webcam.devices import LINUX
from twistedcam.sources.webcam.v4l2 import Control, Driver

T = TypeVar("T")

#: The most seconds that a driver may take to answer.
PATIENCE = 5.0


class DeviceControls:
    """The driver's controls of a camera whose source is a webcam (Linux).

    A value that was set becomes a setting of the source, so it is kept after a reconnect.

    Arguments:
        status: the camera's status; its ``spec`` takes the values that were set.
        clock: measures the time that the driver takes.
        make_thread: returns a new thread for each call of the driver.
    """

    def __init__(
        self, status: CameraStatus, clock: IReactorTime, make_thread: Callable[[], Thread]
    ) -> None:
        self._status = status
        self._clock = clock
        self._make_thread = make_thread
        self._names: tuple[str, ...] = ()
        self._lock: DeferredLock = DeferredLock()
        self._hangs = False

    def names(self) -> tuple[str, ...]:
        """Return the names of the last answer of the device, short and long ones."""
        return self._names

    async def get(self) -> dict[str, Property]:
        """Return all controls by name; none while the device is away."""
        path = self._path()
        if path is None:
            return {}
        try:
            found = await self._ask(lambda: _read(path))
        except CameraFailed:
            return {}
        properties = {name: each for control, each in found for name in [short_name(control)]}
        long_names = (control.name for control, _ in found)
        self._names = tuple(dict.fromkeys((*properties, *long_names)))
        return properties

    async def check(self, wanted: Mapping[str, str]) -> None:
        """Check that the controls can have these values."""
        path = self._path_for(wanted)

        def look() -> None:
            with Driver(path) as driver:
                controls = driver.controls()
            for name, text in wanted.items():
                find_change(controls, name, text)

        await self._ask(look)

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Set the controls; return their new values."""
        path = self._path_for(wanted)

        def work() -> list[tuple[Control, int]]:
            with Driver(path) as driver:
                return set_controls(driver, wanted)

        taken = await self._ask(work)
        for control, value in taken:
            self._status.spec = _keep(self._status.spec, control, value)
        now = await self.get()
        properties = []
        for control, value in taken:
            word = short_name(control)
            properties.append(now.get(word) or Property(word, shown(control, value)))
        return properties

    def _path_for(self, wanted: Mapping[str, str]) -> str:
        path = self._path()
        if path is None:
            names = ", ".join(wanted)
            raise CameraFailed(f"{self._status.name} has no device to set {names} on")
        for name, text in wanted.items():
            if not text:
                raise BadArgument(f"{name} needs a value")
        return path

    def _path(self) -> str | None:
        status = self._status
        if not LINUX or status.spec.scheme not in ("webcam", "auto"):
            return None
        if status.state == "live" or status.spec.scheme == "auto":
            return status.source_info.device or None
        try:
            return getattr(make_source(status.spec), "path", None) or None
        except TwistedcamError:
            return None

    async def _ask(self, work: Callable[[], T]) -> T:
        """Do the work in a thread, one call at a time; a hanging driver blocks one thread only."""
        await self._lock.acquire()
        try:
            if self._hangs:
                raise CameraFailed("the camera's driver hangs: its controls are not available")
            return await self._begin(work).addTimeout(PATIENCE, self._clock)
        except Late:
            raise CameraFailed("the camera's driver does not answer") from None
        except OSError as error:
            raise CameraFailed(f"its controls are not available: {error.strerror}") from None
        finally:
            self._lock.release()

    def _begin(self, work: Callable[[], T]) -> Deferred[T]:
        answer: Deferred[T] = Deferred()
        self._hangs = True

        def done(result: Any) -> Any:
            self._hangs = False
            return result

        # Two Deferreds: one may time out while the other still waits for the thread.
        made = run_in_thread(self._make_thread, work)
        made.addBoth(done).addCallbacks(answer.callback, answer.errback)
        return answer


def _read(path: str) -> list[tuple[Control, Property]]:
    """Read all controls and their values; called in the thread."""
    with Driver(path) as driver:
        return [(control, _property(control, driver.get(control))) for control in driver.controls()]


def _property(control: Control, value: int) -> Property:
    name = short_name(control)
    default: Value = shown(control, control.default)
    usable = control.writable
    if control.kind == "integer":
        limits = (control.low, control.high, control.step)
        return Property(name, value, None, default, *limits, writable=usable)
    words = ("on", "off") if control.kind == "boolean" else tuple(menu_words(control).values())
    return Property(name, shown(control, value), None, default, choices=words, writable=usable)


def _keep(spec: SourceSpec, control: Control, value: int) -> SourceSpec:
    """Add a value to the source's settings, and remove those that contradict it."""
    word = short_name(control)
    gone = {control.name, *SHORT.get(word, ()), *opposites(word)}
    rest = {name: text for name, text in spec.settings.items() if name not in gone}
    return dataclasses.replace(spec, settings=rest).with_settings({word: str(value)})
