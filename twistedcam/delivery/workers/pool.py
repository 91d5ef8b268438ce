"""Starts the worker processes, starts them again when they die, and gives them viewers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from inspect import isfunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.delivery.local import Delivery, InputHandle, SubscriptionHandle
from twistedcam.delivery.sender import Sender, Serializer, do_nothing
from twistedcam.delivery.socket_state import HAS_SENDFILE, stream_socket
from twistedcam.delivery.udp_sender import Address, DatagramSockets
from twistedcam.delivery.workers.channel import WorkerChannel
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.delivery.workers.remote_datagrams import RemoteDatagramSender
from twistedcam.delivery.workers.remote_sender import RemoteSender
from twistedcam.errors import BadArgument
from twistedcam.media.track import Track
from twistedcam.runtime.child_process import ChildProcess, module_command
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer, Viewers

if TYPE_CHECKING:
    from twistedcam.stream.stream import Stream
    from twistedcam.stream.wants import Wants

log = Logger()

#: Seconds until a worker that died is started again.
RESTART_DELAY = 0.5
#: Seconds until a worker that does not end is killed.
END_TIMEOUT = 1.0


class WorkerPool(Delivery):
    """Serves viewers from ``count`` worker processes.

    The server accepts connections and talks to viewers. When one subscribes to a camera, its
    connection is handed to the worker with the fewest viewers. Each frame's memory file is sent to
    each worker that has viewers for it: no picture is copied. The connections of a worker that dies
    are lost, and it is started again; the camera is not affected. Over TLS, and while no worker is
    running, viewers are served in this process.

    Arguments:
        reactor: the reactor of this process.
        viewers: all viewers.
        count: the number of processes.
        log: their log file; None: standard error.

    Raises:
        BadArgument: this system does not support workers.
    """

    def __init__(self, reactor: Any, viewers: Viewers, count: int, log: Path | None = None) -> None:
        if not HAS_SENDFILE:
            raise BadArgument("--workers needs Linux: leave it out")
        super().__init__(reactor)
        self._viewers = viewers
        self._count = count
        self._log = log
        self._handles: dict[int, WorkerHandle] = {}
        self._processes: dict[int, ChildProcess] = {}
        self._restarts: dict[int, IDelayedCall] = {}
        self._port: IListeningPort | None = None
        self._folder = ""
        self._stopping = False

    @property
    def workers(self) -> int:
        """The number of workers that are running."""
        return len(self._handles)

    def start(self) -> None:
        """Start all workers."""
        self._folder = tempfile.mkdtemp(prefix="twistedcam-")
        path = os.path.join(self._folder, "workers")
        factory = Factory.forProtocol(lambda: WorkerChannel(self._received, self._lost))
        factory.noisy = False
        self._port = self._reactor.listenUNIX(path, factory)
        for number in range(1, self._count + 1):
            self._spawn(number)

    async def stop(self) -> None:
        """End all workers."""
        self._stopping = True
        for call in self._restarts.values():
            call.cancel()
        self._restarts.clear()
        for worker in tuple(self._handles.values()):
            assert worker.channel.transport is not None
            worker.channel.transport.loseConnection()
        await DeferredList([each.wait_or_kill(END_TIMEOUT) for each in self._processes.values()])
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        shutil.rmtree(self._folder, ignore_errors=True)

    def make_sender(
        self,
        transport: Any,
        serializer: Serializer,
        on_ready: Callable[[], None],
        on_refused: Callable[[], None],
    ) -> Sender:
        sock = stream_socket(transport)
        if sock is None or not self._handles or not isfunction(serializer):
            return super().make_sender(transport, serializer, on_ready, on_refused)
        return RemoteSender(self._next_worker(), transport, sock, serializer, on_refused)

    def make_datagram_sender(
        self, sockets: DatagramSockets, rtp: Address, rtcp: Address, on_abort: Callable[[], None]
    ) -> Sender:
        if not self._handles:
            return super().make_datagram_sender(sockets, rtp, rtcp, on_abort)
        return RemoteDatagramSender(self._next_worker(), sockets, rtp, rtcp, on_abort)

    def _next_worker(self) -> WorkerHandle:
        """Return the worker with the fewest viewers."""
        return min(self._handles.values(), key=lambda each: len(each.assigned))

    def read_all(
        self, sender: Sender, on_data: Callable[[bytes], None], on_closed: Callable[[], None]
    ) -> InputHandle | None:
        if not isinstance(sender, RemoteSender):
            return super().read_all(sender, on_data, on_closed)
        sender.read_all(on_data, on_closed)
        return sender

    def read_from(
        self,
        sender: Sender,
        transport: Any,
        on_data: Callable[[bytes], None],
        on_closed: Callable[[], None] = do_nothing,
    ) -> InputHandle:
        if isinstance(sender, RemoteSender):
            sender.read_from(on_data, on_closed)
            return sender
        return super().read_from(sender, transport, on_data, on_closed)

    def subscribe(
        self,
        viewer: Viewer,
        hub: Hub[Any],
        sender: Sender,
        max_fps: float | None,
        window: int = 0,
    ) -> SubscriptionHandle:
        if isinstance(sender, RemoteSender):
            sender.subscribe(viewer, hub, max_fps, window)
            return sender
        if isinstance(sender, RemoteDatagramSender):
            sender.subscribe(viewer, hub)
            return sender
        return super().subscribe(viewer, hub, sender, max_fps, window)

    def subscribe_stream(
        self,
        viewer: Viewer,
        stream: Stream,
        wants: Wants,
        sender: Sender,
        max_fps: float | None,
        window: int = 0,
        on_track: Callable[[Track], None] = lambda track: None,
    ) -> SubscriptionHandle:
        if isinstance(sender, RemoteSender):
            sender.subscribe_stream(viewer, stream, wants, max_fps, window, on_track)
            return sender
        return super().subscribe_stream(viewer, stream, wants, sender, max_fps, window, on_track)

    def subscribe_sound(
        self,
        viewer: Viewer,
        stream: Stream,
        wants: Wants,
        sender: Sender,
        serializer: Serializer,
        on_track: Callable[[Track], None],
    ) -> Callable[[], None]:
        if isinstance(sender, RemoteSender):
            return sender.subscribe_sound(stream, wants, serializer, on_track)
        return super().subscribe_sound(viewer, stream, wants, sender, serializer, on_track)

    def subscribe_sound_hub(
        self,
        viewer: Viewer,
        hub: Hub[Any],
        sender: Sender,
        serializer: Serializer,
        on_start: Callable[[], object],
    ) -> Callable[[], None]:
        if isinstance(sender, RemoteSender):
            return sender.subscribe_sound_hub(hub, serializer, on_start)
        if isinstance(sender, RemoteDatagramSender):
            sender.subscribe(viewer, hub, is_sound=True)
            sender.start()
            on_start()
            return sender.close
        return super().subscribe_sound_hub(viewer, hub, sender, serializer, on_start)

    def release(self, subscription: SubscriptionHandle, done: Callable[[], None]) -> None:
        if isinstance(subscription, RemoteSender):
            subscription.release(done)
        else:
            super().release(subscription, done)

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
            "worker {number} ended ({why}); it will be started again",
            number=number,
            why=why.getErrorMessage(),
        )
        self._restarts[number] = self._reactor.callLater(RESTART_DELAY, self._spawn, number)

    def _received(self, channel: WorkerChannel, message: dict[str, Any]) -> None:
        if message["type"] == "hello":
            number = message["number"]
            self._handles[number] = WorkerHandle(number, message["pid"], channel, self._viewers)
            log.info("worker {number} is running", number=number)
            return
        for worker in self._handles.values():
            if worker.channel is channel:
                worker.received(message)
                return

    def _lost(self, channel: WorkerChannel) -> None:
        for number, worker in tuple(self._handles.items()):
            if worker.channel is channel:
                del self._handles[number]
                worker.lost()
