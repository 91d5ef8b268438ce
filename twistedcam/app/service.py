"""The server as a Twisted service, for ``serve``, for twistd, and for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import structs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, DeferredLock
from twisted.logger import Logger, globalLogPublisher

from twistedcam.app.optional_services import make_announcers, make_keys, make_mqtt
from twistedcam.app.ports import PortSwitch, answer_on
from twistedcam.app.reload import apply_options, move_state
from twistedcam.auth import Authenticator, TokenFile
from twistedcam.commands import Registry, standard_commands
from twistedcam.config.arguments import options_from
from twistedcam.config.editor import ConfigEditor
from twistedcam.config.options import (
    CONTROL_ENDPOINT,
    FRAME_ENDPOINT,
    HTTP_ENDPOINT,
    RTSP_ENDPOINT,
    ServeOptions,
)
from twistedcam.config.setup import Setup
from twistedcam.core.broker_state import BrokerState
from twistedcam.core.server import Reload, Server
from twistedcam.errors import DiskError, NotSupported, StartupError
from twistedcam.events import EventBus
from twistedcam.net.connection_limits import ConnectionLimiter
from twistedcam.net.device_id import device_id
from twistedcam.net.listener import Listener, check_endpoint, check_ports, urls_of
from twistedcam.net.proxies import TrustedProxies
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.runtime.bounded_wait import wait_at_most
from twistedcam.runtime.log_memory import LogMemory
from twistedcam.runtime.memory import MemoryReturn
from twistedcam.runtime.signals import stop_reactor
from twistedcam.runtime.threads import run_in_thread
from twistedcam.runtime.writable_paths import make_folder
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.servers.frames import FrameFactory
from twistedcam.servers.http import HttpFactory, LiveStats, make_notifier, make_router
from twistedcam.servers.http.connection.router import Router
from twistedcam.servers.onvif import add_onvif_routes
from twistedcam.stream.viewers import Viewers
from twistedcam.tls.server_endpoint import LoadedCertificate

if TYPE_CHECKING:
    from twistedcam.delivery.workers import WorkerPool
    from twistedcam.servers.http.resource import CameraResource
    from twistedcam.servers.rtsp import RtspFactory

log = Logger()

#: Seconds after which the service has stopped, even if parts of it hang.
STOP_TIMEOUT = 2.7
#: Seconds to finish recordings. Those that are not finished are repaired at the next start.
FINISH_TIMEOUT = 1.8
#: Seconds for clients to receive the last message.
CLOSE_TIMEOUT = 0.5
_NO_CONFIGURATION = "there is no configuration to reload: start with --config FILE"


class CameraService(MultiService):
    """A complete server with cameras, recorders and ports.

    Arguments:
        reactor: the reactor.
        options: its options.
        registry: the commands; the standard ones by default.
        on_shutdown: called by the command ``shutdown``; by default the reactor is stopped.
        keys_see_log: True if the log is written to the terminal that keys are read from.
        around_reload: wraps the function that reads the configuration again.

    Raises:
        BadArgument, StartupError: an option is not valid.
    """

    def __init__(
        self,
        reactor: Any,
        options: ServeOptions,
        registry: Registry | None = None,
        on_shutdown: Callable[[], None] | None = None,
        keys_see_log: bool = False,
        around_reload: Callable[[Reload], Reload] | None = None,
    ) -> None:
        super().__init__()
        self.setName("twistedcam")
        self._reactor = reactor
        self._options = options
        wrap = around_reload or (lambda reload: reload)
        self._apply_file = wrap(partial(self._reload, is_from_page=True))
        self.registry = registry or standard_commands()
        #: Starts the program again, if it can do that.
        self.on_restart: Callable[[], None] | None = None
        self._reloading = DeferredLock()
        self._is_ending = False
        events = EventBus()
        viewers = Viewers(events, reactor)
        self._workers: WorkerPool | None = None
        if options.workers:
            from twistedcam.delivery.workers import WorkerPool

            self._workers = WorkerPool(reactor, viewers, options.workers, options.log)
        self.server = Server(
            reactor,
            options.recordings,
            recording=options.record_settings,
            events=events,
            viewers=viewers,
            delivery=self._workers,
            authenticator=Authenticator(
                reactor, TokenFile(options.tokens) if options.tokens else None
            ),
            connection_limiter=ConnectionLimiter(options.limits),
            proxies=TrustedProxies(options.trusted_proxies),
            takes_token_in_url=not options.no_token_in_url,
            broker=BrokerState(options.mqtt.shown) if options.mqtt else None,
            on_shutdown=on_shutdown or self._stop_reactor,
            on_reload=wrap(self._reload_existing),
        )
        for name, spec in options.cameras.items():
            publish = options.publish.get(name, ())
            recording, motion = options.recording.get(name), options.motion_settings.get(name)
            video = options.video_settings.get(name)
            self.server.add_camera(name, spec, recording, publish, motion, video)
        for process in options.processes:
            self.server.add_process(process, options.recording.get(process.camera))
        self.server.automation.hooks.configure(options.hooks)
        self._frames = FrameFactory(self.server, reactor)
        self._control = ControlFactory(self.server, self.registry)
        #: That of all ports, if there are any.
        self._rtsp: list[RtspFactory] = []
        self._http: list[HttpFactory] = []
        self._log = LogMemory()
        self._resources: list[CameraResource] = []
        self._router = self._make_router() if options.http else None
        #: The ports by purpose: ``frames``, ``control``, ``http`` and ``rtsp``.
        self.listeners: dict[str, list[Listener]] = {
            "frames": self._listen("frames", options.listen),
            "control": self._listen("control", options.control),
            "http": self._listen("http", options.http),
            # Configurations from before this port was there go on working beside another server.
            "rtsp": self._listen("rtsp", options.rtsp, options.rtsp == [RTSP_ENDPOINT]),
        }
        self._switch = PortSwitch(self, self.listeners, self._make, self.server.authenticator)
        MemoryReturn(reactor).setServiceParent(self)
        announcers = make_announcers(reactor, self.server, self.listeners, options)
        self._announcer = announcers[0] if announcers else None
        keys = make_keys(reactor, self.server, self.registry, options, keys_see_log)
        mqtt = make_mqtt(reactor, self.server, self.registry, options)
        for each in (*mqtt, *announcers, *keys):
            each.setServiceParent(self)

    @classmethod
    def of(cls, *words: str, reactor: Any = None, **more: Any) -> CameraService:
        """Make a server from arguments of ``twistedcam serve``, without keys.

        Arguments:
            words: the arguments.
            reactor: the reactor; by default the installed one.
            more: further arguments of the class.

        Raises:
            BadArgument, StartupError: an option is not valid.
        """
        if reactor is None:
            from twisted.internet import reactor
        return cls(reactor, options_from(words), **more)

    @property
    def command(self) -> Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]:
        """The decorator that makes a function a command of this server (Registry.command)."""
        return self.registry.command

    def resource(self) -> CameraResource:
        """Return a resource for a ``twisted.web`` site, with ``stream/CAMERA`` and other paths."""
        from twistedcam.servers.http.resource import CameraResource

        self._resources.append(CameraResource(self.server))
        return self._resources[-1]

    def _stop_reactor(self) -> None:
        """Stop the reactor, once, after the answer to the command is sent."""
        if not self._is_ending:
            self._is_ending = True
            self._reactor.callLater(0.05, stop_reactor, self._reactor)

    async def _reload_existing(self) -> dict[str, Any]:
        """Reload, unless the file that the page may create does not exist yet."""
        options = self._options
        if options.is_of_folder and options.file is not None and not options.file.exists():
            raise NotSupported(_NO_CONFIGURATION)
        return await self._reload()

    async def _reload(self, is_from_page: bool = False) -> dict[str, Any]:
        """Read the configuration and the certificates again, and apply both.

        If one of them is not valid, nothing changes. Simultaneous reloads run one after the other,
        so that a new camera is added once only.

        Arguments:
            is_from_page: True to ask for tokens from now on, and to open or close ports, too.
        """
        async with self._reloading:
            listeners, read_again = self._all_listeners, self._options.read_again
            if read_again is None and not any(it.certificate for it in listeners):
                raise NotSupported(_NO_CONFIGURATION)
            found = [(each, each.read_certificate()) for each in listeners]
            done: dict[str, Any] = {}
            if read_again is not None:
                before, after = self._options, read_again()
                if is_from_page:
                    await self._use_ports(after)
                try:
                    done = await apply_options(self.server, self._options, after)
                except Exception:
                    await self._restore_ports(before)
                    raise
                if before.tokens != self._options.tokens:
                    self.server.authenticator.end_anonymous()
            done |= _use_certificates(found)
            if self._announcer is not None:
                self._announcer.update()
        changes = [f"{key.replace('_', ' ')}: {names}" for key, names in done.items() if names]
        log.info(
            "the configuration was reloaded: {changes}",
            changes="; ".join(changes) or "nothing has changed",
        )
        return done

    async def _use_ports(self, after: ServeOptions) -> None:
        has_tokens = self._switch.use_tokens(after)
        try:
            changed: dict[str, Any] = await self._switch.use(self._options, after)
        except Exception:
            if has_tokens:
                self.server.authenticator.end()
            raise
        changed |= {"tokens": after.tokens} if has_tokens else {}
        self._options = structs.replace(self._options, **changed)
        self.server.urls = urls_of(self.listeners)

    async def _restore_ports(self, before: ServeOptions) -> None:
        """Listen, and ask for tokens, as with earlier options of this server."""
        if before is self._options:
            return
        await self._switch.use(self._options, before)
        if before.tokens is None and self._options.tokens is not None:
            self.server.authenticator.end()
        self._options = before
        self.server.urls = urls_of(self.listeners)

    @property
    def _all_listeners(self) -> list[Listener]:
        return list(chain.from_iterable(self.listeners.values()))

    @property
    def _is_guarded(self) -> bool:
        """True if other machines may reach a port."""
        return self.server.authenticator.is_needed or self._options.insecure

    def _listen(
        self, purpose: str, endpoints: list[str], is_optional: bool = False
    ) -> list[Listener]:
        listeners = []
        for endpoint in endpoints:
            listener = self._make(purpose, endpoint, is_optional)
            if not self._is_guarded:
                check_endpoint(endpoint)
            listener.setServiceParent(self)
            listeners.append(listener)
        return listeners

    def _make(self, purpose: str, endpoint: str, is_optional: bool = False) -> Listener:
        """Make a listener without a parent."""
        factory: Any
        if purpose == "http":
            factory, example = HttpFactory(lambda each: answer(each), self.server), HTTP_ENDPOINT
            self._http.append(factory)
        elif purpose == "rtsp":
            if not self._rtsp:
                from twistedcam.servers.rtsp import RtspFactory

                self._rtsp.append(RtspFactory(self.server, self._reactor))
            factory, example = self._rtsp[0], RTSP_ENDPOINT
        elif purpose == "control":
            factory, example = self._control, CONTROL_ENDPOINT
        else:
            factory, example = self._frames, FRAME_ENDPOINT
        scheduler = self.server.scheduler
        listener = Listener(self._reactor, endpoint, factory, example, scheduler, is_optional)
        answer = answer_on(listener, self.server, self._options, lambda: self._router)
        return listener

    def _make_router(self) -> Router:
        server, options = self.server, self._options
        stats = LiveStats(server)
        stats.setServiceParent(self)
        configuration = ConfigEditor(
            options, self._apply_file, lambda: server.authenticator.is_needed
        )
        run = partial(run_in_thread, server.make_thread)
        setup = Setup(configuration, run, lambda: self.on_restart)
        push = make_notifier(server, options.push_contact, options.push_private)
        push.setServiceParent(self)
        router = make_router(server, self.registry, stats, configuration, self._log, setup, push)
        own_id = device_id(options.recordings)
        add_onvif_routes(router, server, own_id, lambda: self.listeners["rtsp"])
        return router

    def privilegedStartService(self) -> None:
        """Open the ports, and create the folder for recordings if possible.

        Raises:
            StartupError: a port is not available.
        """
        try:
            check_mount(self._options.recordings, self._options.record_settings.require_mount)
            make_folder(self._options.recordings)
        except (DiskError, StartupError) as error:
            log.warn("recording is not possible now: {reason}", reason=str(error))
        super().privilegedStartService()
        if not self._is_guarded:
            check_ports(self._all_listeners)

    def startService(self) -> None:
        """Start the cameras, unless the options say that they are stopped."""
        globalLogPublisher.addObserver(self._log)
        super().startService()
        if self._workers is not None:
            self._workers.start()
        self.server.open_library()
        self.server.urls = urls_of(self.listeners)
        if not self._options.stopped:
            self.server.start()

    def stopService(self) -> Deferred[None]:
        """Close ports, finish recordings, inform clients, and stop cameras, in this order."""
        return self._bounded(Deferred.fromCoroutine(self._stop()), STOP_TIMEOUT, _give_up)

    async def _stop(self) -> None:
        with suppress(ValueError):  # it was never started
            globalLogPublisher.removeObserver(self._log)
        closing = super().stopService()
        unpublished = self.server.stop_outputs()
        await self._bounded(self.server.finish_recordings(), FINISH_TIMEOUT)
        stopping = self.server.stop_cameras()  # not awaited yet: one may hang
        for resource in self._resources:
            resource.close()
        ports: list[Any] = [self._frames, self._control, *self._rtsp, *self._http]
        await DeferredList([self._bounded(port.close(), CLOSE_TIMEOUT) for port in ports])
        self.server.scheduler.close()
        self.server.refusals.close()
        move_state(self._options)
        if self._workers is not None:
            await self._workers.stop()
        await stopping
        await unpublished
        if closing is not None:
            await closing

    def _bounded(
        self,
        waiting: Deferred[Any],
        seconds: float,
        on_late: Callable[[], object] = lambda: None,
    ) -> Deferred[Any]:
        return wait_at_most(waiting, seconds, self._reactor, on_late)


def _use_certificates(
    found: Iterable[tuple[Listener, LoadedCertificate | None]],
) -> dict[str, str | None]:
    """Use certificates that were read again; return the addresses whose certificate has changed."""
    pairs = [
        (each.address, each.certificate.use(loaded))
        for each, loaded in found
        if each.certificate is not None and loaded is not None
    ]
    renewed = ", ".join(address for address, is_another in pairs if is_another)
    return {"certificates": renewed or None} if pairs else {}


def _give_up() -> None:
    log.warn("the server was not stopped within {seconds} s", seconds=STOP_TIMEOUT)
