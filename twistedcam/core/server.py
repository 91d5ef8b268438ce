"""The server: its cameras and the parts that its ports share. Commands work on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.auth import Authenticator
from twistedcam.automation.automation import Automation
from twistedcam.camera import Camera
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.core.broker_state import BrokerState
from twistedcam.core.channel import Channel
from twistedcam.core.login_file import LoginFile
from twistedcam.core.saved_settings import SavedSettings
from twistedcam.delivery import Delivery
from twistedcam.errors import BadArgument, CameraNeeded, DiskError, NoSuchCamera, NotSupported
from twistedcam.events import Event, EventBus
from twistedcam.net.connection_limits import ConnectionLimiter
from twistedcam.net.proxies import TrustedProxies
from twistedcam.net.rate_limit import RateLimiter
from twistedcam.net.refusal_log import RefusalLog
from twistedcam.processing import Process, Processor
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.publishing.output import Output
from twistedcam.publishing.target import PublishTarget
from twistedcam.recording import (
    Library,
    LibraryEntry,
    RecordSettings,
    RetentionLimits,
    RetentionService,
)
from twistedcam.recording.library.faststart_queue import FaststartQueue
from twistedcam.recording.playback.service import PlaybackService
from twistedcam.recording.playback.timelapse import TimelapseRenderer
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.runtime.scheduler import Scheduler
from twistedcam.runtime.threads import Thread
from twistedcam.runtime.timer import Timer
from twistedcam.sources.spec import SourceSpec
from twistedcam.sources.spec import parse as parse_source
from twistedcam.stream.viewers import Viewers
from twistedcam.util.camera_name import check_distinct, check_name, find_name

log = Logger()

Reload = Callable[[], Coroutine[Any, Any, dict[str, Any]]]

#: Seconds between two checks for the mount of the recordings' disk.
MOUNT_PERIOD = 10.0


class Server:
    """The cameras, their viewers, and the parts that all ports share.

    Arguments:
        clock: the reactor; a fake clock will do if ``make_thread`` is given.
        recordings: the folder of recordings and snapshots.
        make_thread: returns a new thread for blocking calls; a Thread by default.
        recording: the settings of cameras that have none of their own.
        events: receives all changes.
        viewers: all viewers, on all ports.
        delivery: serves viewers; in this process by default.
        authenticator: checks tokens; by default everybody may do everything.
        connection_limiter: limits the connections of all ports.
        proxies: HTTP proxies that are trusted to name the client.
        takes_token_in_url: True if a URL may contain a token (``?token=``).
        broker: the state of the connection to the MQTT broker; None if there is none.
        on_shutdown: called by the command ``shutdown``.
        on_reload: called by the command ``reload`` and at SIGHUP; returns what was done.
    """

    def __init__(
        self,
        clock: IReactorTime,
        recordings: Path,
        make_thread: Callable[[], Thread] | None = None,
        recording: RecordSettings | None = None,
        *,
        events: EventBus | None = None,
        viewers: Viewers | None = None,
        delivery: Delivery | None = None,
        authenticator: Authenticator | None = None,
        connection_limiter: ConnectionLimiter | None = None,
        proxies: TrustedProxies | None = None,
        takes_token_in_url: bool = True,
        broker: BrokerState | None = None,
        on_shutdown: Callable[[], None] = lambda: None,
        on_reload: Reload | None = None,
    ) -> None:
        reactor: Any = clock
        self.clock = clock
        self.recordings = recordings
        self.make_thread = make_thread or (lambda: Thread(reactor))
        self.record_settings = recording or RecordSettings()
        self.events = events or EventBus()
        self.viewers = Viewers(self.events, clock) if viewers is None else viewers
        self.delivery = delivery or Delivery(clock)
        self.authenticator = authenticator or Authenticator(clock)
        self.logins = LoginFile(recordings, self._check_mount).sessions(lambda: self.authenticator)
        self.connection_limiter = (
            ConnectionLimiter() if connection_limiter is None else connection_limiter
        )
        self.proxies = proxies or TrustedProxies()
        self.takes_token_in_url = takes_token_in_url
        self.broker = broker
        self.on_shutdown = on_shutdown
        self.reload = on_reload or _no_configuration
        #: The cameras with all that belongs to them, by the camera's name.
        self.channels: dict[str, Channel] = {}
        writing, just = self._being_written, self._just_written
        self.library = Library(
            recordings, self.events, self.make_thread, writing, just_written=just
        )
        self.retention = RetentionService(self.library, self.events, clock, self._limits)
        #: Keeps events, and acts on them.
        self.automation = Automation(
            recordings,
            self.events,
            clock,
            self.make_thread,
            channels=lambda: {n: (c.camera, c.recorder) for n, c in self.channels.items()},
            limits=self._limits,
            check=self._check_mount,
            title=self.title_of,
            score=lambda name: self.channels[name].motion.score if name in self.channels else None,
        )
        self.started_at = clock.seconds()
        #: Limits the log lines about refused clients, on all ports.
        self.refusals = RefusalLog(clock)
        #: Shares the reactor's time between the requests of all clients.
        self.scheduler = Scheduler(clock, time.perf_counter)
        #: Limits snapshots, by address and by camera.
        self.snapshots = RateLimiter(clock, lambda: self.connection_limiter.limits.snapshots)
        #: The URLs of the server (``view``, ``page``), once its ports listen.
        self.urls: dict[str, str] = {}
        #: Plays and exports what was recorded.
        self.playback = PlaybackService(
            self.library,
            self.events,
            self.make_thread,
            self._check_mount,
            lambda: self.channels,
            self._reserve,
        )
        #: Renders timelapses of what was recorded.
        self.timelapses = TimelapseRenderer(
            recordings, self.events, self.make_thread, self._reserve
        )
        self._saved = SavedSettings(recordings)
        self._recovery = Timer(clock)
        self._faststart_queue = FaststartQueue(
            recordings, self.events, self.make_thread, self._reserve
        )

    @property
    def cameras(self) -> dict[str, Camera]:
        """The cameras by name, in the order in which they were added."""
        return {name: each.camera for name, each in self.channels.items()}

    @property
    def processors(self) -> dict[str, Processor]:
        """User code that runs, by the name of the camera that it makes."""
        found = ((name, each.processor) for name, each in self.channels.items())
        return {name: processor for name, processor in found if processor is not None}

    @property
    def outputs(self) -> list[Output]:
        """The outputs of all cameras."""
        return [output for each in self.channels.values() for output in each.outputs]

    @property
    def own_cameras(self) -> list[Camera]:
        """The cameras without those that user code makes."""
        return [each.camera for each in self.channels.values() if each.processor is None]

    def add_camera(
        self,
        name: str,
        spec: SourceSpec,
        recording: RecordSettings | None = None,
        publish: Iterable[PublishTarget] = (),
        motion: MotionSettings | None = None,
        video: VideoSettings | None = None,
    ) -> Camera:
        """Add a camera, stopped.

        Arguments:
            recording: the settings of its recorder; those of the server by default.
            publish: the targets of its outputs.
            motion: the settings of its motion detection; None: it is off.
            video: the settings of its viewers' video; the usual ones by default.

        Raises:
            BadArgument: the source or a setting is unknown, or the name is not possible or could
                be taken for another camera's.
        """
        name = check_name(name)
        check_distinct(name, self.channels)
        source = self._saved.apply(name, spec)
        camera = Camera(name, source, self.events, self.clock, self.make_thread)
        events, make, own = self.events, self.make_thread, recording or self.record_settings
        self.channels[name] = channel = Channel(
            camera, spec, self.recordings, own, events, self.clock, make, self._saved, motion, video
        )
        channel.outputs.add(publish)
        return camera

    def configure(self, name: str, spec: SourceSpec, *, reopen: bool = True) -> None:
        """Let a camera continue as configured now; saved settings still apply (SavedSettings).

        Arguments:
            reopen: True if its source must be opened again for it.

        Raises:
            BadArgument: a setting is unknown or wrong; nothing has changed.
        """
        self.channels[name].configure(spec, reopen=reopen)

    async def save_settings(self, name: str, *, forget: bool = False) -> dict[str, str | None]:
        """Save what was set of a camera for the next start, or delete what was saved.

        Raises:
            DiskError: the file cannot be written; it is unchanged.
        """
        check_mount(self.recordings, self.record_settings.require_mount)
        return await self.channels[name].save(forget=forget)

    def add_process(self, process: Process, recording: RecordSettings | None = None) -> Camera:
        """Add user code that works on a camera's frames; return the camera that it makes, stopped.

        Arguments:
            recording: the settings of that camera's recorder; those of the server by default.

        Raises:
            NoSuchCamera: the camera that delivers the frames is unknown.
            BadArgument: a camera of the resulting name exists, or a function that was given as an
                object is to run in another process.
        """
        source = self.camera(process.camera)
        process = replace(process, camera=source.name)
        name = check_name(process.name)
        if name in self.channels:
            raise BadArgument(f"there is already a camera {name!r}: give the function another name")
        if process.code.function is not None and process.runs_in == "process":
            raise BadArgument(f"{process.code.text} was given as a function: it runs in a thread")
        output = self.add_camera(name, parse_source("push:"), recording)
        self.channels[name].process(process, source)
        return output

    async def remove_camera(self, name: str) -> None:
        """Remove a camera: finish its recording, disconnect its viewers, close its device.

        User code on its frames ends with it.
        """
        for made in [key for key, each in self.processors.items() if each.source.name == name]:
            await self.remove_camera(made)
        channel = self.channels[name]
        if channel.processor is not None:
            await channel.processor.stop()
        del self.channels[name]
        await channel.finish_recording()
        await channel.outputs.close()
        for viewer in self.viewers.of(name):
            self.viewers.kick(viewer.id)
        await channel.camera.stop()

    def camera(self, name: str | None = None) -> Camera:
        """Return the camera of that name; without a name the only one of the configuration.

        Arguments:
            name: the camera's name, or its URL-safe form.

        Raises:
            NoSuchCamera: no camera has that name.
            CameraNeeded: a name is needed, because there are several cameras or none.
        """
        names = ", ".join(self.channels) or "none"
        if name is not None:
            found = find_name(self.channels, name)
            if found is None:
                raise NoSuchCamera(f"there is no camera {name!r}; there is {names}")
            return self.channels[found].camera
        if len(self.own_cameras) != 1:
            raise CameraNeeded(f"say which camera: {names}")
        return self.own_cameras[0]

    def title_of(self, event: Event) -> str | None:
        """Return the title of the camera that an event is about, or None."""
        channel = self.channels.get(getattr(event, "camera", None) or "")
        return None if channel is None else channel.camera.title

    def name_of(self, word: str) -> str:
        """Return the name of the camera that a word means, or the word itself if there is none."""
        return find_name(self.channels, word) or word

    def first_or_named(self, name: str | None) -> Camera:
        """Return the camera of that name; without a name the first.

        Raises:
            NoSuchCamera: no camera has that name.
        """
        return self.camera(next(iter(self.channels), "") if name is None else name)

    def open_library(self) -> None:
        """Repair recordings that a crash left unfinished, and apply the limits from now on.

        On a disk that is not mounted yet they are repaired when it is mounted. Events are kept from
        now on.
        """
        self.automation.start()
        self.retention.start()
        self._recover()

    def _recover(self) -> None:
        if not self._is_mounted():
            self._recovery.start(MOUNT_PERIOD, self._recover)
            return
        recovering = Deferred.fromCoroutine(self.library.recover())
        recovering.addErrback(lambda why: _warn("unfinished recordings stay as they are", why))
        recovering.addCallback(lambda _: Deferred.fromCoroutine(self.library.read_folder()))
        recovering.addErrback(lambda why: _warn("recordings", why))

    def start(self) -> None:
        """Start all cameras and outputs. A camera that fails is tried again."""
        for channel in self.channels.values():
            channel.start()
        for channel in self.channels.values():
            channel.outputs.start()

    def finish_recordings(self) -> Deferred[Any]:
        """End all recordings cleanly. Fires when files and events are complete."""
        self.retention.stop()
        self._faststart_queue.stop()
        self._recovery.cancel()
        self.timelapses.close()
        self.automation.release_recordings()
        finished = DeferredList([each.finish_recording() for each in self.channels.values()])
        return finished.addCallback(lambda _: Deferred.fromCoroutine(self.automation.stop()))

    def stop_outputs(self) -> Deferred[Any]:
        """Stop all outputs. Fires when all have ended."""
        return DeferredList([each.stop() for each in self.outputs])

    def stop_cameras(self) -> Deferred[Any]:
        """Stop all cameras, user code, and the reading of recordings.

        Fires when the devices are released, or abandoned.
        """
        self.library.close()
        self.playback.close()
        processors = [each.stop() for each in self.processors.values()]
        return DeferredList([*processors, *(each.stop() for each in self.cameras.values())])

    def _reserve(self) -> int:
        """Return the number of bytes that must stay free on the disk."""
        own = (each.recorder.settings for each in self.channels.values())
        return max(each.keep_free or 0 for each in (self.record_settings, *own))

    def _check_mount(self) -> None:
        check_mount(self.recordings, self.record_settings.require_mount)

    def _is_mounted(self) -> bool:
        try:
            self._check_mount()
        except DiskError:
            return False
        return True

    def _being_written(self) -> list[LibraryEntry]:
        return list(filter(None, (each.recorder.entry() for each in self.channels.values())))

    def _just_written(self) -> list[LibraryEntry]:
        return [file for each in self.channels.values() for file in each.recorder.files.before]

    def _limits(self) -> list[tuple[RetentionLimits, frozenset[str] | None]]:
        """Return the limits of all recordings, and of cameras that have their own."""
        if not self._is_mounted():
            return []  # the limits are not for what lies below the mount point
        shared = RetentionLimits.of(self.record_settings)
        own = {n: RetentionLimits.of(c.recorder.settings) for n, c in self.channels.items()}
        each = [(limits, frozenset({name})) for name, limits in own.items() if limits != shared]
        return [(shared, None), *each]


def _warn(what: str, why: Failure) -> None:
    log.warn("{what}: {reason}", what=what, reason=why.getErrorMessage())


async def _no_configuration() -> dict[str, Any]:
    raise NotSupported("there is no configuration to read again: start with --config FILE")
