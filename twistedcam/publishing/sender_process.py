"""The server's side of a sender: its process, what it is given, what it says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from twistedcam.publishing.sender.protocol import HEAD, Order
from twistedcam.publishing.target import Target
from twistedcam.recording.moment import Coded
from twistedcam.runtime.child_process import child_environment

#: Seconds that a sender has to end its stream before it is killed.
GRACE = 1.0
_MAX_LINE = 4096


class LinkListener(Protocol):
    """Who hears of a sender."""

    def connected(self) -> None:
        """The target takes video."""

    def sent(self, pts: int, frames: int, size: int) -> None:
        """So far it has come: the last frame's time, frames and bytes in all."""

    def ended(self, reason: str) -> None:
        """There is no sender any more."""


class Link(ProcessProtocol):
    """One sender.

    Arguments:
        reactor: starts it.
        target: what it sends to. The address goes through a pipe: arguments can be seen by all.
        listener: who hears of it; of nothing any more once ``close`` was called.
    """

    def __init__(self, reactor: Any, target: Target, listener: LinkListener) -> None:
        self._reactor = reactor
        self._target = target
        self._listener: LinkListener | None = listener
        self._heard = b""
        self._errors = b""
        self._reason = ""
        self._on_end: list[Callable[[], None]] = []
        self.is_over = False
        command = [sys.executable, "-P", "-m", "twistedcam.publishing.sender"]
        reactor.spawnProcess(self, sys.executable, command, env=child_environment())

    def connectionMade(self) -> None:
        """Tell it what to do."""
        target = self._target
        order: Order = {
            "url": target.url,
            "muxer": target.muxer,
            "options": target.options(),
            "verify": target.verify,
            "ca": target.ca,
            "tidy": target.is_folder,
        }
        self.transport.write(json.dumps(order).encode() + b"\n")  # type: ignore[union-attr]

    def send(self, coded: Coded) -> None:
        """One more frame."""
        head = HEAD.pack(coded.pts, coded.is_keyframe, len(coded.data))
        self.transport.writeSequence([head, coded.data])  # type: ignore[union-attr]

    def close(self, grace: float = GRACE, done: Callable[[], None] = lambda: None) -> None:
        """End it: in good order, or by force after ``grace`` seconds."""
        self._listener = None
        if self.is_over:
            done()
            return
        self._on_end.append(done)
        self.transport.closeStdin()  # type: ignore[union-attr]
        kill = self._reactor.callLater(grace, self._kill)
        self._on_end.append(lambda: kill.cancel() if kill.active() else None)

    def outReceived(self, data: bytes) -> None:
        """It says something."""
        *lines, self._heard = (self._heard + data).split(b"\n")
        self._heard = self._heard[-_MAX_LINE:]
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "error":
                self._reason = self._target.without_secrets(rest)
            elif self._listener is not None and word == "live":
                self._listener.connected()
            elif self._listener is not None and word == "at":
                self._listener.sent(*map(int, rest.split()))

    def errReceived(self, data: bytes) -> None:
        """Words of its own accord: a traceback's last line is a reason."""
        self._errors = (self._errors + data)[-_MAX_LINE:]

    def processEnded(self, reason: Failure) -> None:
        """It is gone."""
        self.is_over = True
        on_end, self._on_end = self._on_end, []
        for each in on_end:
            each()
        listener, self._listener = self._listener, None
        if listener is not None:
            words = self._errors.decode(errors="replace").strip().splitlines()
            last = self._target.without_secrets(words[-1]) if words else "its sender ended"
            listener.ended(self._reason or last)

    def _kill(self) -> None:
        try:
            self.transport.signalProcess("KILL")  # type: ignore[union-attr]
        except ProcessExitedAlready:
            return
