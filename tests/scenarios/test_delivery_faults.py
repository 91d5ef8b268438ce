"""Errors of the system for one viewer do not affect the others."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from typing import Any
from unittest.mock import Mock

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import Near, connect, failing, frame, read, serialize, turn, until
from tests.support.system import require
from twistedcam.delivery import LatestSubscription, Sender, TransportSender, choose_sender
from twistedcam.delivery import memfd as memfd_module
from twistedcam.delivery import sendfile_sender as sendfile_module
from twistedcam.delivery import socket_state as kernel_module
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.subscription import STALL_LIMIT
from twistedcam.delivery.workers.handle import WorkerFeed
from twistedcam.events import EventBus
from twistedcam.runtime import file_limits as limits
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers

BIG = 24 * 1024 * 1024  # more than a loopback connection holds by itself


class Guest:
    """One viewer: its subscription, and both ends of its connection."""

    def __init__(self, subscription: LatestSubscription, near: Near, far: socket.socket) -> None:
        self.subscription = subscription
        self.near = near
        self.far = far
        self.fd: int = near.transport.getHandle().fileno()  # type: ignore[union-attr]


class FaultTests(TestCase):
    """Two viewers; the system has something against the first."""

    timeout = PATIENCE

    def setUp(self) -> None:
        require(HAS_SENDFILE, "sendfile(2) from memory files")
        self.patch(memfd_module, "FEW", 0)  # as for many viewers
        self.hub = Hub()
        self.clock = Clock()
        self.viewers = Viewers(EventBus(), self.clock)

    async def guest(self, window: int = 0, write: bool = False) -> Guest:
        near, far = await connect(self, reactor)
        watching: list[LatestSubscription] = []

        def ready() -> None:
            if watching:
                watching[0].ready()

        sender: Sender
        if write:
            sender = TransportSender(near.transport, serialize, ready)
        else:
            sender = choose_sender(near.transport, serialize, ready, reactor)
        viewer = self.viewers.join("here", "tcp", "cam", sender.path, lambda _: None)
        watching.append(LatestSubscription(viewer, self.hub, sender, self.clock, window=window))
        sender.open()
        watching[0].start()
        near.gone.addCallback(lambda _: watching[0].close())
        return Guest(watching[0], near, far)

    def against(self, guest: Guest, call: str, code: int) -> None:
        """The call fails for that guest's socket from now on."""
        module: Any = os if hasattr(os, call) else sendfile_module
        real = getattr(module, call)

        def shim(first: Any, *more: Any) -> Any:
            fd = first if isinstance(first, int) else first.fileno()
            return failing(code)() if fd == guest.fd else real(first, *more)

        self.patch(module, call, shim)

    async def one_gone_one_well(self, poor: Guest, well: Guest) -> None:
        for seq in (1, 2, 3):
            self.hub.publish(frame(seq, 40_000))
            assert await read(reactor, well.far, 40_008) == serialize(frame(seq, 40_000))
        await until(reactor, lambda: poor.near.gone.called)
        assert len(self.hub) == 1

    async def fails(self, call: str, code: int) -> None:
        poor, well = await self.guest(), await self.guest()
        self.against(poor, call, code)
        await self.one_gone_one_well(poor, well)

    async def test_a_broken_pipe_ends_one_connection(self) -> None:
        await self.fails("sendfile", errno.EPIPE)

    async def test_a_reset_ends_one_connection(self) -> None:
        await self.fails("sendfile", errno.ECONNRESET)

    async def test_an_error_of_the_machine_ends_one_connection(self) -> None:
        await self.fails("sendfile", errno.EIO)

    async def test_no_memory_for_a_socket_ends_one_connection(self) -> None:
        await self.fails("sendfile", errno.ENOMEM)

    async def test_a_kernel_that_does_not_say_what_is_unsent_ends_one_connection(self) -> None:
        real = kernel_module.ioctl
        poor, well = await self.guest(), await self.guest()

        def ioctl(fd: int, *more: Any) -> Any:
            return failing(errno.EIO)() if fd == poor.fd else real(fd, *more)

        self.patch(kernel_module, "ioctl", ioctl)
        await self.one_gone_one_well(poor, well)

    async def test_an_error_in_the_middle_of_a_frame_ends_one_connection(self) -> None:
        for code in (errno.EPIPE, errno.ECONNRESET, errno.EIO):
            poor, well = await self.guest(), await self.guest()
            self.hub.publish(frame(1, BIG))
            self.against(poor, "sendfile", code)
            with contextlib.suppress(ConnectionResetError):
                await read(reactor, poor.far, BIG + 8)
            await until(reactor, lambda poor=poor: poor.near.gone.called)
            assert await read(reactor, well.far, BIG + 8) == serialize(frame(1, BIG))
            assert len(self.hub) == 1
            well.near.transport.abortConnection()  # type: ignore[union-attr]
            await well.near.gone
            self.hub.clear()

    async def test_a_viewer_that_is_never_writable_is_disconnected_after_the_limit(self) -> None:
        poor, well = await self.guest(), await self.guest()
        self.against(poor, "sendfile", errno.EAGAIN)
        for seq in range(1, 5):
            self.hub.publish(frame(seq, 40_000))
            assert await read(reactor, well.far, 40_008) == serialize(frame(seq, 40_000))
            assert not poor.near.gone.called
            self.clock.advance(STALL_LIMIT / 3 + 0.01)
        self.hub.publish(frame(9, 40_000))
        assert await read(reactor, well.far, 40_008) == serialize(frame(9, 40_000))
        await until(reactor, lambda: poor.near.gone.called)

    async def test_a_writable_socket_that_takes_nothing_is_not_polled_continuously(
        self,
    ) -> None:
        poor, well = await self.guest(), await self.guest()
        asked: list[int] = []

        def refuse(out: int, *_: Any) -> int:
            if out == poor.fd:
                asked.append(out)
                raise BlockingIOError
            return real(out, *_)

        real = os.sendfile
        self.patch(os, "sendfile", refuse)
        self.hub.publish(frame(1, 40_000))
        for _ in range(200):
            await turn(reactor)
        assert len(asked) < 100  # else it would be once a turn
        self.patch(os, "sendfile", real)
        for each in (poor, well):
            assert await read(reactor, each.far, 40_008) == serialize(frame(1, 40_000))

    async def test_a_writable_socket_with_unsent_bytes_is_not_polled_continuously(self) -> None:
        guest = await self.guest()
        real, asked = kernel_module.ioctl, [0]

        def ioctl(fd: int, question: int, answer: bytearray) -> None:
            asked[0] += 1
            answer[:] = b"\1\0\0\0"

        self.patch(kernel_module, "ioctl", ioctl)
        self.hub.publish(frame(1, 40_000))
        for _ in range(200):
            await turn(reactor)
        assert asked[0] < 100  # else it would be once a turn
        self.patch(kernel_module, "ioctl", real)
        assert await read(reactor, guest.far, 40_008) == serialize(frame(1, 40_000))

    async def all_get_all(self, size: int = 40_000) -> None:
        guests = [await self.guest(), await self.guest(), await self.guest(write=True)]
        for seq in (1, 2, 3):
            self.hub.publish(frame(seq, size))
            for each in guests:
                assert await read(reactor, each.far, size + 8) == serialize(frame(seq, size))
                sender = each.subscription._sender
                await until(reactor, sender.is_ready)
        assert [each.subscription.viewer.frames for each in guests] == [3, 3, 3]

    async def test_without_a_file_for_the_frame_all_get_it_all_the_same(self) -> None:
        self.patch(os, "memfd_create", failing(errno.EMFILE))
        await self.all_get_all()

    async def test_without_room_in_memory_files_all_get_it_all_the_same(self) -> None:
        real, files = os.write, set[int]()
        make = os.memfd_create

        def memfd_create(*how: Any) -> int:
            files.add(fd := make(*how))
            return fd

        def write(fd: int, data: Any) -> int:
            return failing(errno.ENOSPC)() if fd in files else real(fd, data)

        self.patch(os, "memfd_create", memfd_create)
        self.patch(os, "write", write)
        guest = await self.guest()
        self.hub.publish(frame(1, 40_000))
        assert await read(reactor, guest.far, 40_008) == serialize(frame(1, 40_000))
        assert files
        assert not any("memfd" in _target(fd) for fd in files)

    async def test_without_a_descriptor_for_waiting_a_large_frame_is_sent_completely(self) -> None:
        self.patch(os, "dup", failing(errno.EMFILE))
        await self.all_get_all(BIG)

    async def test_with_neither_file_all_get_it_all_the_same(self) -> None:
        self.patch(os, "memfd_create", failing(errno.EMFILE))
        self.patch(os, "dup", failing(errno.EMFILE))
        await self.all_get_all(2_000_000)

    async def test_the_last_files_are_kept_for_others(self) -> None:
        self.patch(limits, "file_limit", lambda: 8)  # all that follow have higher numbers
        made: list[int] = []
        real = os.memfd_create

        def memfd_create(*how: Any) -> int:
            made.append(real(*how))
            return made[-1]

        self.patch(os, "memfd_create", memfd_create)
        await self.all_get_all()
        assert made
        assert not any("memfd" in _target(fd) for fd in made)

    async def test_without_descriptors_a_connection_still_ends_in_order(self) -> None:
        self.patch(os, "dup", failing(errno.EMFILE))
        guest = await self.guest()
        self.hub.publish(frame(1, BIG))
        sender = guest.subscription._sender
        sender.send_message(b"bye")
        guest.subscription.finish(guest.near.transport.loseConnection)  # type: ignore[union-attr]
        assert await read(reactor, guest.far, BIG + 8) == serialize(frame(1, BIG))
        assert await read(reactor, guest.far, 100) == b"bye"

    async def test_a_worker_misses_only_the_frame_without_a_file(self) -> None:
        told: list[str] = []

        class WorkerChannel:
            def send(self, type: str, fd: int = -1, **_: Any) -> None:
                told.append(type)

        feed = WorkerFeed(1, WorkerChannel(), self.hub, serialize)  # type: ignore[arg-type]
        feed.join(Mock())
        with_files = os.memfd_create
        self.patch(os, "memfd_create", failing(errno.EMFILE))
        self.hub.publish(frame(1, 100))
        os.memfd_create = with_files
        self.hub.publish(frame(2, 100))
        assert told == ["frame"]


def _target(fd: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""
