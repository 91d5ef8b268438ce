"""Moves a camera on the commands of users, and stops it if they vanish."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.camera.ptz.motors import Motors, Velocity, as_seen
from twistedcam.camera.ptz.preset_file import PresetFile
from twistedcam.camera.ptz.webcam_motors import WebcamMotors
from twistedcam.camera.status import CameraStatus
from twistedcam.errors import BadArgument, CameraFailed, NotSupported, TwistedcamError
from twistedcam.events import Event, EventBus
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.runtime.timer import Timer
from twistedcam.sources.onvif.address import find_onvif_address
from twistedcam.sources.registry import make_source
from twistedcam.sources.webcam.devices import LINUX

T = TypeVar("T")
log = Logger()

#: Seconds after which a camera stops, unless it gets another command to move; and the most seconds
#: of a command.
MOVE_SECONDS, MAX_MOVE_SECONDS = 1.5, 10.0
#: Seconds between two steps of motors that move by steps.
STEP = 0.1
#: Seconds after which the motors are looked for again if the camera did not answer.
RETRY = 30.0
#: Characters of a preset's name at most.
MAX_NAME = 60


class PtzController:
    """Moves one camera.

    The motors are looked for when the camera is live, and again with another source.

    Arguments:
        status: the camera's status.
        events: tell that it is live.
        clock: measures the time of movements.
        make_thread: returns a new thread for blocking calls.
        presets: the saved positions, if the camera is a webcam.
    """

    def __init__(
        self,
        status: CameraStatus,
        events: EventBus,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        presets: PresetFile,
    ) -> None:
        self._status = status
        self._clock = clock
        self._make_thread = make_thread
        self._presets = presets
        self._motors: Motors | None = None
        #: What the motors were looked for by, or None before that.
        self._looked_for: tuple[str, ...] | None = None
        self._lock: DeferredLock = DeferredLock()
        self._stop_timer = Timer(clock)
        self._step_timer = Timer(clock)
        self._retry = Timer(clock)
        self._velocity = Velocity()
        self._problem = ""
        self._unsubscribe = events.subscribe(self._on_event)

    @property
    def is_available(self) -> bool:
        """True if the camera can be moved; False while that is unknown."""
        return self._motors is not None

    @property
    def axes(self) -> tuple[str, ...]:
        """The directions in which it can move: ``pan``, ``tilt``, ``zoom``."""
        return () if self._motors is None else self._motors.axes

    @property
    def is_moving(self) -> bool:
        """True while it moves on a command."""
        return self._stop_timer.is_pending

    def close(self) -> Deferred[None]:
        """Stop a movement, and listen to no more events; fires when the camera has stopped."""
        self._unsubscribe()
        self._retry.cancel()
        return self._halt() if self.is_moving else succeed(None)

    async def move(self, velocity: Velocity, seconds: float = MOVE_SECONDS) -> None:
        """Begin to move, for some seconds unless ``stop`` or another movement comes before.

        Arguments:
            velocity: as it is seen in the picture.
            seconds: at most MAX_MOVE_SECONDS.

        Raises:
            NotSupported, CameraFailed: as _call.
        """
        self._velocity = as_seen(velocity, self._status.spec.settings)
        self._step_timer.cancel()
        self._stop_timer.start(seconds, self._halt)
        try:
            motors = await self._call(lambda motors: self._begin(motors, seconds))
        except TwistedcamError:
            self._stop_timer.cancel()
            raise
        if motors.is_stepwise and self.is_moving:
            self._step_timer.start(STEP, self._step)

    async def stop(self) -> None:
        """Stop all movement."""
        self._stop_timer.cancel()
        self._step_timer.cancel()
        await self._call(lambda motors: motors.stop())

    async def home(self) -> None:
        """Move to the home position."""
        self._step_timer.cancel()
        await self._call(lambda motors: motors.home())

    async def presets(self) -> list[str]:
        """Return the names of the saved positions."""
        return await self._call(lambda motors: motors.presets())

    async def go_to(self, name: str) -> None:
        """Move to a saved position."""
        self._step_timer.cancel()
        await self._call(lambda motors: motors.go_to(name))

    async def save(self, name: str) -> None:
        """Save the current position; one of the same name is replaced.

        Raises:
            BadArgument: it cannot have that name.
        """
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise BadArgument(f"a preset's name is a line of 1 to {MAX_NAME} printable characters")
        await self._call(lambda motors: motors.save(name))

    async def delete(self, name: str) -> None:
        """Delete a saved position."""
        await self._call(lambda motors: motors.delete(name))

    async def look(self) -> None:
        """Look for the camera's motors, unless that was done for its source and device.

        Raises:
            CameraFailed: it does not answer.
        """
        await self._lock.acquire()
        try:
            await self._find()
        finally:
            self._lock.release()

    def _begin(self, motors: Motors, seconds: float) -> Motors:
        motors.move(self._velocity, STEP if motors.is_stepwise else seconds)
        return motors

    def _step(self) -> None:
        """Make a step, and the next one when it is done."""

        def done(_: object) -> None:
            if self.is_moving:
                self._step_timer.start(STEP, self._step)

        velocity = self._velocity
        stepping = Deferred.fromCoroutine(self._call(lambda each: each.move(velocity, STEP)))
        stepping.addCallbacks(done, self._log_failure)

    def _halt(self) -> Deferred[None]:
        """Stop: the time of the movement is over."""
        self._stop_timer.cancel()
        self._step_timer.cancel()
        stopping = Deferred.fromCoroutine(self._call(lambda motors: motors.stop()))
        return stopping.addErrback(self._log_failure)

    def _log_failure(self, why: Failure) -> None:
        log.warn("{camera}: {why}", camera=self._status.name, why=why.getErrorMessage())

    async def _call(self, work: Callable[[Motors], T]) -> T:
        """Let the motors do something, in a thread, one call at a time.

        Raises:
            NotSupported: the camera cannot be moved, or not so.
            CameraFailed: it does not answer.
        """
        await self._lock.acquire()
        try:
            await self._find()
            motors = self._motors
            if motors is None:
                raise NotSupported(
                    f"{self._status.name} cannot be moved: it has neither pan, tilt nor zoom"
                )
            return await self._in_thread(lambda: work(motors))
        finally:
            self._lock.release()

    async def _find(self) -> None:
        """Look for the motors. The lock must be held."""
        key = self._key()
        if key == self._looked_for:
            return
        before, self._motors = self._motors, None
        if before is not None:
            await self._in_thread(before.close)
        found = await self._in_thread(lambda: self._make(key))
        self._motors, self._looked_for = found, key

    def _in_thread(self, work: Callable[[], T]) -> Deferred[T]:
        return run_in_thread(self._make_thread, work)

    def _key(self) -> tuple[str, ...]:
        spec = self._status.spec
        if spec.scheme in ("webcam", "auto"):
            return (spec.scheme, self._device())
        settings = (spec.settings.get(name, "") for name in ("ptz", "path", "verify"))
        return (spec.scheme, spec.target, *settings)

    def _device(self) -> str:
        """Return the path of a webcam; empty if it is not known before the webcam was opened."""
        known = self._status.source_info.device
        if known or self._status.spec.scheme == "auto":
            return known
        try:
            return getattr(make_source(self._status.spec), "path", "") or ""
        except TwistedcamError:
            return ""

    def _make(self, key: tuple[str, ...]) -> Motors | None:
        """Return the camera's motors, or None; called in a thread."""
        spec = self._status.spec
        if spec.scheme in ("webcam", "auto"):
            return WebcamMotors.find(key[1], self._presets) if LINUX and key[1] else None
        address = find_onvif_address(spec)
        if address is None:
            return None
        # Few servers have such a camera.
        from twistedcam.camera.ptz.onvif_motors import OnvifMotors

        return OnvifMotors.find(address, spec.settings.get("verify", "1") == "1")

    def _on_event(self, event: Event) -> None:
        if event.kind != "state" or getattr(event, "camera", None) != self._status.name:
            return
        if self._status.state == "live" and self._key() != self._looked_for:
            self._look()

    def _look(self) -> None:
        looking = Deferred.fromCoroutine(self.look())
        looking.addErrback(self._look_failed)

    def _look_failed(self, why: Failure) -> None:
        if why.check(CameraFailed) is None:
            self._log_failure(why)
            return
        text = why.getErrorMessage()
        if text != self._problem:
            self._problem = text
            log.info(
                "{camera}: its motors do not answer: {why}", camera=self._status.name, why=text
            )
        if self._status.state == "live":
            self._retry.start(RETRY, self._look)
