"""Delivery processes beside the server: started, kept alive, given viewers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.delivery import LocalDelivery
from twistedcam.delivery.local import Hearing, Watching
from twistedcam.delivery.sender import Framing, Outlet, no_one
from twistedcam.delivery.socket_state import HAS_SENDFILE, stream_socket
from twistedcam.delivery.workers.channel import Link
from twistedcam.delivery.workers.handle import Staff
from twistedcam.delivery.workers.remote_sender import RemoteOutlet, RemoteWatcher
from twistedcam.errors import BadArgument
from twistedcam.runtime.child_process import ChildProcess, module_command
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer, Viewers

log = Logger()

#: Seconds before a worker that died is started again.
RESTART_DELAY = 0.5
#: Seconds that a worker has to end by itself.
END_TIMEOUT = 1.0


class WorkerPool:
    """Serves viewers from ``count`` processes of their own (delivery.Delivery).

    The server accepts connections and speaks with viewers; who has begun to watch is handed, with
    the connection itself, to the worker with the fewest viewers. Each frame's memory file goes to
    each worker that has viewers for it: no picture is copied. A worker that dies takes its viewers'
    connections along and is started again; the camera does not notice. Over TLS, and while no
    worker is there, viewers are served in this process.

    Arguments:
        reactor: what this process runs on.
        viewers: all who watch.
        count: how many processes.
        log: the file that they log to; None: standard error.

    Raises:
        BadArgument: this system cannot do it.
    """

    def __init__(self, reactor: Any, viewers: Viewers, count: int, log: Path | None = None) -> None:
        if not HAS_SENDFILE:
            raise BadArgument("--workers needs Linux: leave it out")
        self._reactor = reactor
        self._viewers = viewers
        self._count = count
        self._log = log
        self._local = LocalDelivery(reactor)
        self._staff: dict[int, Staff] = {}
        self._processes: dict[int, ChildProcess] = {}
        self._restarts: dict[int, IDelayedCall] = {}
        self._port: IListeningPort | None = None
        self._folder = ""
        self._stopping = False

    @property
    def workers(self) -> int:
        """How many are there."""
        return len(self._staff)

    def start(self) -> None:
        """Start all of them."""
        self._folder = tempfile.mkdtemp(prefix="twistedcam-")
        path = os.path.join(self._folder, "workers")
        self._port = self._reactor.listenUNIX(path, _LinkFactory(self._received, self._lost))
        for number in range(1, self._count + 1):
            self._spawn(number)

    async def stop(self) -> None:
        """End all of them."""
        self._stopping = True
        for call in self._restarts.values():
            call.cancel()
        self._restarts.clear()
        for staff in tuple(self._staff.values()):
            assert staff.link.transport is not None
            staff.link.transport.loseConnection()
        await DeferredList([each.wait_or_kill(END_TIMEOUT) for each in self._processes.values()])
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        shutil.rmtree(self._folder, ignore_errors=True)

    def outlet(
        self,
        transport: Any,
        framing: Framing,
        cleared: Callable[[], None],
        refused: Callable[[], None],
    ) -> Outlet:
        """A way out through the worker with the fewest viewers."""
        sock = stream_socket(transport)
        if sock is None or not self._staff:
            return self._local.outlet(transport, framing, cleared, refused)
        staff = min(self._staff.values(), key=lambda each: len(each.assigned))
        return RemoteOutlet(staff, transport, sock, framing, refused)

    def hear(
        self,
        outlet: Outlet,
        transport: Any,
        received: Callable[[bytes], None],
        closed: Callable[[], None] = no_one,
    ) -> Hearing:
        """The worker reads, and passes on what is no acknowledgement."""
        if isinstance(outlet, RemoteOutlet):
            return outlet.hear(received, closed)
        return self._local.hear(outlet, transport, received, closed)

    def watch(
        self, viewer: Viewer, hub: Hub, outlet: Outlet, max_fps: float | None, window: int = 0
    ) -> Watching:
        """A watcher for one of these outlets."""
        if isinstance(outlet, RemoteOutlet):
            return RemoteWatcher(viewer, hub, outlet, max_fps, window)
        return self._local.watch(viewer, hub, outlet, max_fps, window)

    def _spawn(self, number: int) -> None:
        self._restarts.pop(number, None)
        command = module_command(
            "twistedcam.delivery.workers.main",
            os.path.join(self._folder, "workers"),
            str(number),
            str(self._log or ""),
        )
        self._processes[number] = ChildProcess(
            self._reactor, command, {0: "w", 1: 2, 2: 2}, lambda why: self._ended(number, why)
        )

    def _ended(self, number: int, why: Failure) -> None:
        self._processes.pop(number, None)
        if self._stopping:
            return
        log.warn(
            "worker {number} ended ({why}); it is started again",
            number=number,
            why=why.getErrorMessage(),
        )
        self._restarts[number] = self._reactor.callLater(RESTART_DELAY, self._spawn, number)

    def _received(self, link: Link, message: dict[str, Any]) -> None:
        if message["what"] == "hello":
            number = message["number"]
            self._staff[number] = Staff(number, message["pid"], link, self._viewers)
            log.info("worker {number} is there", number=number)
            return
        for staff in self._staff.values():
            if staff.link is link:
                staff.received(message)
                return

    def _lost(self, link: Link) -> None:
        for number, staff in tuple(self._staff.items()):
            if staff.link is link:
                del self._staff[number]
                staff.lost()


class _LinkFactory(Factory[Link]):
    noisy = False

    def __init__(
        self, received: Callable[[Link, dict[str, Any]], None], lost: Callable[[Link], None]
    ) -> None:
        self._received = received
        self._lost = lost

    def buildProtocol(self, addr: Any) -> Link:
        return Link(self._received, self._lost)
