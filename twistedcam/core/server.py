"""What a running server is made of; what commands work on."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.auth import Authenticator
from twistedcam.camera import Camera
from twistedcam.camera.properties.device import DeviceControls
from twistedcam.camera.properties.group import CameraProperties
from twistedcam.core.broker_state import BrokerState
from twistedcam.core.saved_settings import SavedSettings
from twistedcam.delivery import Delivery, LocalDelivery
from twistedcam.errors import BadArgument, CameraNeeded, DiskError, NoSuchCamera, NotSupported
from twistedcam.events import Event, EventBus
from twistedcam.net.connection_limits import ConnectionLimiter
from twistedcam.net.proxies import TrustedProxies
from twistedcam.net.rate_limit import RateLimiter
from twistedcam.net.refusal_log import RefusalLog
from twistedcam.processing import Process, Processor
from twistedcam.publishing.outputs import Outputs
from twistedcam.publishing.target import PublishTarget
from twistedcam.recording import (
    Item,
    Keeper,
    Library,
    Limits,
    Recorder,
    RecordSettings,
)
from twistedcam.recording.library.faststart_queue import IndexMover
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.runtime.scheduler import Scheduler
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.runtime.timer import Timer
from twistedcam.sources import SourceSpec
from twistedcam.sources import parse as parse_source
from twistedcam.stream.viewers import Viewers
from twistedcam.util.camera_name import check_distinct, check_name, find_name

log = Logger()

#: Seconds between two looks whether the recordings' disk is mounted.
MOUNT_PERIOD = 10.0


class Server:
    """Cameras, their recorders, who watches them, and what happens to them.

    Arguments:
        clock: the reactor; anything with its time functions where ``make_thread`` is given.
        recordings: the folder that recordings and snapshots go to.
        make_thread: gives a thread to make blocking calls on; real ones by default.
        recording: how cameras record that have no settings of their own.
    """

    def __init__(
        self,
        clock: IReactorTime,
        recordings: Path,
        make_thread: Callable[[], Thread] | None = None,
        recording: RecordSettings | None = None,
    ) -> None:
        reactor: Any = clock
        self.clock = clock
        self.recordings = recordings
        self.make_thread = make_thread or (lambda: Thread(reactor))
        self.events = EventBus()
        self.viewers = Viewers(self.events, clock)
        self.cameras: dict[str, Camera] = {}
        self.recorders: dict[str, Recorder] = {}
        #: The properties of each camera, by the camera's name.
        self.properties: dict[str, CameraProperties] = {}
        #: Each camera's source as it was configured: without what was set since, or saved.
        self.configured: dict[str, SourceSpec] = {}
        self.saved = SavedSettings(recordings)
        #: User code, by the cameras that it makes.
        self.processors: dict[str, Processor] = {}
        self.record_settings = recording or RecordSettings()
        self.outputs = Outputs(reactor, self.events, self.make_thread)
        self.library = Library(recordings, self.events, self.make_thread, self._being_written)
        self.keeper = Keeper(self.library, self.events, clock, self._limits)
        self._recovery = Timer(clock)
        self._index_mover = IndexMover(recordings, self.events, self.make_thread, self._reserve)
        self.started_at = clock.seconds()
        #: Says who may do what; without tokens everybody may do everything.
        self.authenticator = Authenticator(clock)
        #: Proxies that are believed when they say for whom they ask over HTTP.
        self.proxies = TrustedProxies()
        #: Whether a token may stand in an address (``?token=``).
        self.takes_token_in_url = True
        #: Counts connections on all ports.
        self.connection_limiter = ConnectionLimiter()
        #: Keeps the log of refusals short, on all ports.
        self.refusals = RefusalLog(clock)
        #: Shares the reactor's time between what all clients ask for.
        self.scheduler = Scheduler(clock, time.perf_counter)
        #: Counts snapshots, by address and by camera.
        self.snapshots = RateLimiter(clock, lambda: self.connection_limiter.limits.snapshots)
        #: Where it is reached: URLs by what is found there (``view``, ``page``).
        self.urls: dict[str, str] = {}
        #: How things stand with the MQTT broker; None where there is none.
        self.broker: BrokerState | None = None
        #: How viewers are served.
        self.delivery: Delivery = LocalDelivery(clock)
        #: Called by the command ``shutdown``.
        self.on_shutdown: Callable[[], None] = lambda: None
        #: Called by the command ``reload`` and at SIGHUP; answers with what was done.
        self.reload: Callable[[], Coroutine[Any, Any, dict[str, Any]]] = _no_configuration

    def add_camera(
        self,
        name: str,
        spec: SourceSpec,
        recording: RecordSettings | None = None,
        publish: Iterable[PublishTarget] = (),
    ) -> Camera:
        """One more camera, stopped.

        Arguments:
            recording: how it records, if not as all do.
            publish: where its video is to go, once that is started.

        Raises:
            BadArgument: the source, or a setting of it, is not one that there is; or the camera
                cannot have that name, or it could be taken for another's.
        """
        name = check_name(name)
        check_distinct(name, self.cameras)
        source = self.saved.apply(name, spec)
        camera = Camera(name, source, self.events, self.clock, self.make_thread)
        self.configured[name] = spec
        self.cameras[name] = camera
        device = DeviceControls(camera, self.clock, self.make_thread)
        self.properties[name] = CameraProperties(camera, camera.use, device, self.events)
        self.recorders[name] = Recorder(
            camera,
            self.recordings,
            self.events,
            self.make_thread,
            self.clock,
            recording or self.record_settings,
        )
        self.outputs.add(camera, self.recorders[name], publish)
        return camera

    def configure(self, name: str, spec: SourceSpec, *, reopen: bool = True) -> None:
        """Let a camera go on as it is configured now; what was saved still holds (SavedSettings).

        Arguments:
            reopen: whether its source has to be opened anew for it.

        Raises:
            BadArgument: a setting is not one that there is; nothing has changed.
        """
        camera, properties = self.cameras[name], self.properties[name]
        going = camera.use(self.saved.apply(name, spec), reopen=reopen)
        going.addErrback(lambda _: None)  # the camera's state says it
        going.addCallback(lambda _: Deferred.fromCoroutine(properties.publish()))
        self.configured[name] = spec

    async def save_settings(self, name: str, *, forget: bool = False) -> dict[str, str | None]:
        """Keep what was set of a camera over the next start; or forget what was kept.

        Raises:
            DiskError: it cannot be written; what was kept before still is.
        """
        check_mount(self.recordings, self.record_settings.require_mount)
        configured = self.configured[name]
        now = configured if forget else self.cameras[name].spec
        return await run_in_thread(self.make_thread, lambda: self.saved.save(name, configured, now))

    def add_process(self, process: Process, recording: RecordSettings | None = None) -> Camera:
        """User code on a camera's pictures. Gives the camera that it makes, stopped.

        Arguments:
            recording: how that camera records, if not as all do.

        Raises:
            NoSuchCamera: there is no camera to take pictures from.
            BadArgument: a camera of the name that it makes is there already; or a function, and
                not its name, is to run in another process.
        """
        source = self.camera(process.camera)
        process = replace(process, camera=source.name)
        name = check_name(process.name)
        if name in self.cameras:
            raise BadArgument(f"there is a camera {name!r} already: give the function another name")
        if process.code.function is not None and process.runs_in == "process":
            raise BadArgument(f"{process.code.text} was given as a function: it runs in a thread")
        output = self.add_camera(name, parse_source("push:"), recording)
        self.processors[name] = Processor(process, source, output, self.events, self.clock)
        return output

    async def remove_camera(self, name: str) -> None:
        """End a camera: its recording in good order, its viewers' connections, its device.

        User code on its pictures ends with it.
        """
        for made in [key for key, each in self.processors.items() if each.source.name == name]:
            await self.remove_camera(made)
        if name in self.processors:
            await self.processors.pop(name).stop()
        camera, recorder = self.cameras.pop(name), self.recorders.pop(name)
        self.configured.pop(name)
        self.properties.pop(name)
        await recorder.stop()
        await self.outputs.remove(name)
        for viewer in self.viewers.of(name):
            self.viewers.kick(viewer.id)
        await camera.stop()

    def camera(self, name: str | None = None) -> Camera:
        """The camera of that name; without a name, the only one, but for those of user code.

        Arguments:
            name: its name, or the URL-safe form of that.

        Raises:
            NoSuchCamera, CameraNeeded: as they say.
        """
        names = ", ".join(self.cameras) or "none"
        if name is not None:
            found = find_name(self.cameras, name)
            if found is None:
                raise NoSuchCamera(f"there is no camera {name!r}; there is {names}")
            return self.cameras[found]
        if len(self.own_cameras) != 1:
            raise CameraNeeded(f"say which camera: {names}")
        return self.own_cameras[0]

    def title_of(self, event: Event) -> str | None:
        """The title of the camera that an event is about; None if it has none."""
        camera = self.cameras.get(getattr(event, "camera", None) or "")
        return None if camera is None else camera.title

    def name_of(self, word: str) -> str:
        """The name of the camera that a word means; the word itself if there is none."""
        found = find_name(self.cameras, word)
        return word if found is None else found

    def first_or_named(self, name: str | None) -> Camera:
        """The camera of that name; without a name the first: for who only wants to watch.

        Raises:
            NoSuchCamera: no camera has that name.
        """
        return self.camera(next(iter(self.cameras), "") if name is None else name)

    @property
    def own_cameras(self) -> list[Camera]:
        """The cameras but for those that user code makes of them."""
        return [each for each in self.cameras.values() if each.name not in self.processors]

    def open_library(self) -> None:
        """Finish what a crash has left of recordings, and see from now on that they fit.

        What is on a disk that is not mounted yet is finished when it is.
        """
        self.keeper.start()
        self._recover()

    def _recover(self) -> None:
        if not self._is_mounted():
            self._recovery.start(MOUNT_PERIOD, self._recover)
            return
        recovering = Deferred.fromCoroutine(self.library.recover())
        recovering.addErrback(
            lambda why: log.warn(
                "unfinished recordings stay as they are: {reason}", reason=why.getErrorMessage()
            )
        )

    def start(self) -> None:
        """Start all cameras. One that fails is tried again; the others do not wait for it."""
        for name in self.cameras:
            self.start_camera(name)
        self.outputs.start()

    def start_camera(self, name: str) -> None:
        """Start a camera, and its recording if that begins with it."""
        self.cameras[name].start().addErrback(lambda _: None)  # its state says it
        self.recorders[name].start_with_server()

    def finish_recordings(self) -> Deferred[Any]:
        """End all recordings in good order; fires when their files are whole."""
        self.keeper.stop()
        self._index_mover.stop()
        self._recovery.cancel()
        return DeferredList([each.stop() for each in self.recorders.values()])

    def stop_cameras(self) -> Deferred[Any]:
        """Stop all cameras; fires when their devices are free, or left behind.

        User code on their pictures ends, too, and so does what reads recordings.
        """
        self.library.close()
        processors = [each.stop() for each in self.processors.values()]
        return DeferredList([*processors, *(each.stop() for each in self.cameras.values())])

    def _reserve(self) -> int:
        """Bytes that are to stay free on the disk."""
        settings = (self.record_settings, *(each.settings for each in self.recorders.values()))
        return max(each.keep_free or 0 for each in settings)

    def _is_mounted(self) -> bool:
        try:
            check_mount(self.recordings, self.record_settings.require_mount)
        except DiskError:
            return False
        return True

    def _being_written(self) -> list[Item]:
        return [item for each in self.recorders.values() if (item := each.item()) is not None]

    def _limits(self) -> list[tuple[Limits, frozenset[str] | None]]:
        """What is kept of all, and of cameras that have limits of their own."""
        if not self._is_mounted():
            return []  # what is below the mount point is not what the limits are for
        shared = Limits.of(self.record_settings)
        own = {name: Limits.of(each.settings) for name, each in self.recorders.items()}
        each = [(limits, frozenset({name})) for name, limits in own.items() if limits != shared]
        return [(shared, None), *each]


async def _no_configuration() -> dict[str, Any]:
    raise NotSupported("there is no configuration to read again: start with --config FILE")
