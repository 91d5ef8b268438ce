"""Tell systemd how the server is: ready, alive, reloading, ending. See sd_notify(3)."""

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


class Notifier(Service):
    """Says READY once it is started, WATCHDOG while the reactor turns, STOPPING at the end.

    Does nothing where nobody wants to know.

    Arguments:
        clock: what the watchdog is fed by: a reactor that hangs feeds it no more.
        environment: the process's; NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID of it count.
    """

    def __init__(self, clock: IReactorTime, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        microseconds = environment.get("WATCHDOG_USEC", "0")
        is_meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._period = int(microseconds) / 2e6 if is_meant and microseconds.isdigit() else 0.0
        self._feeding: Any = LoopingCall(self.say, "WATCHDOG=1")
        self._feeding.clock = clock

    def startService(self) -> None:
        """The server answers from now on."""
        super().startService()
        self.say("READY=1")
        if self._address and self._period:
            self._feeding.start(self._period, now=True)

    def stopService(self) -> None:
        """It ends."""
        super().stopService()
        if self._feeding.running:
            self._feeding.stop()
        self.say("STOPPING=1")

    def around(self, reload: Callable[[], Awaitable[T]]) -> Callable[[], Coroutine[Any, Any, T]]:
        """The same, with systemd told that it begins and that it is over, well or not."""

        async def told() -> T:
            self.say(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                return await reload()
            finally:
                self.say("READY=1")

        return told

    def say(self, text: str) -> None:
        """Send one state; one that cannot be sent is nobody's loss."""
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto(text.encode(), name)
