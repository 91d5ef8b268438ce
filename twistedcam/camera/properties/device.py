"""The controls of a camera's device, as properties of the camera: read and set while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as Late
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera.properties.base import Property, Value
from twistedcam.errors import BadArgument, CameraFailed, TwistedcamError
from twistedcam.sources import SourceSpec, make_source
from twistedcam.sources.controls import (
    SHORT,
    find_turn,
    menu_words,
    opposites,
    short_name,
    shown,
    turn_all,
)
from twistedcam.sources.devices import LINUX
from twistedcam.sources.v4l2 import Control, Driver

if TYPE_CHECKING:
    from twistedcam.camera.camera import Camera
    from twistedcam.runtime.threads import Thread

T = TypeVar("T")

#: Seconds that a driver may take to answer.
PATIENCE = 5.0


class DeviceControls:
    """Brightness, exposure, focus and the like, where the source is a webcam (Linux).

    A value that is set holds over a reconnect: it becomes a setting of the source.

    Arguments:
        camera: whose device.
        clock: what the driver's time is measured by.
        make_thread: gives the thread that talks with the driver.
    """

    def __init__(
        self, camera: Camera, clock: IReactorTime, make_thread: Callable[[], Thread]
    ) -> None:
        self._camera = camera
        self._clock = clock
        self._make_thread = make_thread
        self._names: tuple[str, ...] = ()
        self._lock: DeferredLock = DeferredLock()
        self._hangs = False

    def names(self) -> tuple[str, ...]:
        """Those that the device had when it was last asked, by all their names."""
        return self._names

    async def get(self) -> dict[str, Property]:
        """All of them; none while the device is away."""
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
        """See that they can have these values."""
        path = self._path_for(wanted)

        def look() -> None:
            with Driver(path) as driver:
                controls = driver.controls()
            for name, text in wanted.items():
                find_turn(controls, name, text)

        await self._ask(look)

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Set them; what holds now."""
        path = self._path_for(wanted)

        def work() -> list[tuple[Control, int]]:
            with Driver(path) as driver:
                return turn_all(driver, wanted)

        taken = await self._ask(work)
        for control, value in taken:
            self._camera.spec = _keep(self._camera.spec, control, value)
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
            raise CameraFailed(f"{self._camera.name} has no device to set {names} on")
        for name, text in wanted.items():
            if not text:
                raise BadArgument(f"{name} needs a value")
        return path

    def _path(self) -> str | None:
        camera = self._camera
        if not LINUX or camera.spec.scheme not in ("webcam", "auto"):
            return None
        if camera.state == "live" or camera.spec.scheme == "auto":
            return camera.granted.device or None
        try:
            return getattr(make_source(camera.spec), "path", None) or None
        except TwistedcamError:
            return None

    async def _ask(self, work: Callable[[], T]) -> T:
        """Let a thread do it, one at a time; a driver that hangs keeps one thread and no more."""
        await self._lock.acquire()
        try:
            if self._hangs:
                raise CameraFailed("the camera's driver hangs: its controls cannot be had")
            return await self._begin(work).addTimeout(PATIENCE, self._clock)
        except Late:
            raise CameraFailed("the camera's driver does not answer") from None
        except OSError as error:
            raise CameraFailed(f"its controls cannot be had: {error.strerror}") from None
        finally:
            self._lock.release()

    def _begin(self, work: Callable[[], T]) -> Deferred[T]:
        thread = self._make_thread()
        answer: Deferred[T] = Deferred()
        self._hangs = True

        def done(result: Any) -> Any:
            self._hangs = False
            thread.end()
            return result

        # Two Deferreds: one may be given up while the other still waits for the thread.
        thread.run(work).addBoth(done).addCallbacks(answer.callback, answer.errback)
        return answer


def _read(path: str) -> list[tuple[Control, Property]]:
    """In the thread: all controls with their values."""
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
    """The source with this value for its next openings, and without what contradicts it."""
    word = short_name(control)
    gone = {control.name, *SHORT.get(word, ()), *opposites(word)}
    rest = {name: text for name, text in spec.settings.items() if name not in gone}
    return dataclasses.replace(spec, settings=rest).with_settings({word: str(value)})
