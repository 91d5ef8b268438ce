"""One start of user code: its thread, and its way back to the reactor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from twistedcam.processing.executors import GRACE, Failed, Work
from twistedcam.processing.newest_frame import FrameSlot
from twistedcam.processing.results import Result
from twistedcam.sources.base import RawPicture

log = Logger()


class Owner(Protocol):
    """Who hears what a runner does, on the reactor's thread, until it has ended the runner."""

    def gave(self, result: Result, grab: RawPicture) -> None:
        """There is a result, with the picture that is to be shown."""

    def took(self, seconds: float) -> None:
        """A frame is done with; so long it took."""

    def left_out(self, reason: str) -> None:
        """A frame cannot be decoded, and the code did without it."""

    def failed(self, error: Failed) -> None:
        """The code is over, for that reason."""


class Runner:
    """One start of user code: a thread that gives frames to it until it fails or is ended.

    Arguments:
        reactor: where results are delivered.
        work: what the thread does.
        owner: hears what comes of it.
    """

    def __init__(self, reactor: Any, work: Work, owner: Owner) -> None:
        self.slot = FrameSlot()
        self._reactor = reactor
        self._work = work
        self._owner: Owner | None = owner
        self._is_over = False
        self._over: Deferred[None] = Deferred()
        threading.Thread(target=self._run, name="processing", daemon=True).start()

    def gave(self, result: Result) -> None:
        """In the thread (running.Reports)."""
        grab = result.grab  # here, because it may have to be encoded
        self._tell(lambda owner: owner.gave(result, grab))

    def took(self, seconds: float) -> None:
        """In the thread (running.Reports)."""
        self._tell(lambda owner: owner.took(seconds))

    def left_out(self, reason: str) -> None:
        """In the thread (running.Reports)."""
        self._tell(lambda owner: owner.left_out(reason))

    def end(self) -> Deferred[None]:
        """No more frames. Fires when the code is over, or is left behind because it hangs."""
        self._owner = None
        self.slot.close()
        if self._is_over:
            return succeed(None)
        done: Deferred[None] = Deferred()
        kill = self._reactor.callLater(GRACE, self._work.kill)
        give_up = self._reactor.callLater(3 * GRACE, self._left_behind, done)

        def over(_: Any) -> None:
            if kill.active():
                kill.cancel()
            if give_up.active():
                give_up.cancel()
                done.callback(None)

        self._over.addCallback(over)
        return done

    def _left_behind(self, done: Deferred[None]) -> None:
        log.warn("user code hangs: its thread is left behind")
        done.callback(None)

    def _run(self) -> None:
        error: Failed | None = None
        try:
            self._work.run(self.slot.take, self)
        except Failed as failed:
            error = failed
        except BaseException as other:  # whatever it was, the camera has to hear that it is over
            error = Failed(f"{type(other).__name__}: {other}")
        self._reactor.callFromThread(self._ended, error)

    def _ended(self, error: Failed | None) -> None:
        self._is_over = True
        if error is not None and self._owner is not None:
            self._owner.failed(error)
        self._over.callback(None)

    def _tell(self, tell: Callable[[Owner], None]) -> None:
        def deliver() -> None:
            if self._owner is not None:
                tell(self._owner)

        self._reactor.callFromThread(deliver)
