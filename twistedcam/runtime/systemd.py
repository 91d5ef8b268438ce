"""Notifications to systemd: ready, alive, reloading, stopping. See sd_notify(3)."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

T = TypeVar("T")


class SystemdNotifier(Service):
    """Sends READY at the start, WATCHDOG while the reactor runs, and STOPPING at the end.

    It does nothing if the environment names no socket.

    Arguments:
        clock: the reactor; if it hangs, the watchdog gets no message.
        environment: the process's; NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are used.
    """

    def __init__(self, clock: IReactorTime, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        microseconds = environment.get("WATCHDOG_USEC", "0")
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._period = int(microseconds) / 2e6 if is_ours and microseconds.isdigit() else 0.0
        self._watchdog: Any = LoopingCall(self.send, "WATCHDOG=1")
        self._watchdog.clock = clock

    def startService(self) -> None:
        super().startService()
        self.send("READY=1")
        if self._address and self._period:
            self._watchdog.start(self._period, now=True)

    def stopService(self) -> None:
        self.end(is_restart=False)

    def end(self, is_restart: bool) -> None:
        """Send that the program ends, or that it starts again in this process."""
        super().stopService()
        if self._watchdog.running:
            self._watchdog.stop()
        if is_restart:
            self._send_reloading()
        else:
            self.send("STOPPING=1")

    def wrap_reload(
        self, reload: Callable[[], Awaitable[T]]
    ) -> Callable[[], Coroutine[Any, Any, T]]:
        """Wrap a function that reloads, so that its begin and its end are sent."""

        async def reload_and_notify() -> T:
            self._send_reloading()
            try:
                return await reload()
            finally:
                self.send("READY=1")

        return reload_and_notify

    def _send_reloading(self) -> None:
        self.send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def send(self, text: str) -> None:
        """Send a message; errors are ignored."""
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto(text.encode(), name)
