"""The server's terminal, key by key; given back as it was, whatever happens."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import errno
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.runtime.timer import Timer

try:
    import termios
    import tty
except ImportError:  # pragma: no cover - Windows has neither: keys are off there
    termios = tty = None  # type: ignore[assignment]

log = Logger()

#: Seconds between two looks whether the process is in the foreground by now.
LOOK = 0.5


def is_terminal(fd: int) -> bool:
    """Whether ``fd`` is a terminal that keys can be had from, and that is not gone."""
    return termios is not None and os.isatty(fd)


def is_ours(fd: int) -> bool:
    """Whether ``fd`` is a terminal that this process may read from: it is in the foreground."""
    if not is_terminal(fd):
        return False
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:  # not the terminal that controls this process: it has no foreground
        return True


def speak_to_nobody() -> None:
    """What is written to a terminal that is gone goes nowhere from now on.

    Otherwise a word that could not be written makes an error of an end in good order: Python then
    exits with 120 (Py_FinalizeEx).
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        try:
            termios.tcgetattr(fd)
        except termios.error as error:
            if error.args[0] == errno.EIO:  # what is no terminal says ENOTTY
                os.dup2(nowhere, fd)
    os.close(nowhere)


@implementer(IReadDescriptor)
class Terminal(Service):
    """Reads keys while the service runs and the process is in its terminal's foreground.

    Ctrl-C stays a signal. On Ctrl-Z, Ctrl-\\ and at the end of the process the terminal is given
    back as it was found.

    Arguments:
        reactor: what reads.
        typed: what is called with what was typed.
        ready: called when keys can be typed at first.
        gone: called when the terminal is gone in whose foreground the process was.
        fd: the terminal; if it is none, the service does nothing.
    """

    def __init__(
        self,
        reactor: Any,
        typed: Callable[[str], None],
        ready: Callable[[], None] = lambda: None,
        gone: Callable[[], None] = lambda: None,
        fd: int = 0,
    ) -> None:
        self._reactor = reactor
        self._typed = typed
        self._ready = ready
        self._gone = gone
        self._fd = fd
        self._looking = Timer(reactor)
        self._is_ready = False
        self._found: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def startService(self) -> None:
        """Read keys as soon as the reactor runs: then signals end it in good order."""
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> None:
        """Give the terminal back."""
        super().stopService()
        self._looking.cancel()
        if self._handlers:
            self._reactor.removeReader(self)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers = {}
        self.restore()
        atexit.unregister(self.restore)

    def restore(self) -> None:
        """The terminal as it was found."""
        found, self._found = self._found, None
        if found is not None:
            # Even from the background: a stopped process could not give it back. It may be gone.
            with contextlib.suppress(termios.error), _without(signal.SIGTTOU):
                termios.tcsetattr(self._fd, termios.TCSANOW, found)

    def _begin(self) -> None:
        in_main = threading.current_thread() is threading.main_thread()  # signals are its alone
        if not self.running or not in_main or not is_terminal(self._fd):
            return
        atexit.register(self.restore)
        for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGQUIT):
            self._handlers[number] = signal.signal(number, self._signalled)
        self._enter()

    def _enter(self) -> None:
        """Take keys, now or as soon as the process is in the foreground: a shell need not say."""
        if is_ours(self._fd):
            self._take()
            self._reactor.addReader(self)
            if not self._is_ready:
                self._is_ready = True
                self._ready()
        elif is_terminal(self._fd):
            self._looking.start(LOOK, self._enter)

    def _go_on(self) -> None:
        """After a stop: in the foreground again, or in the background now.

        A terminal that goes away sends the same signal, and may be gone before it is read from.
        """
        if self.running and not self._looking.is_pending:
            self._look_again()

    def _look_again(self) -> None:
        """Take keys anew, now or later; or find that there is no terminal any more."""
        self._reactor.removeReader(self)
        if is_terminal(self._fd):
            self._enter()
        else:
            self._gone()

    def _take(self) -> None:
        """Keys one by one, and not shown; signals and the output stay as they are."""
        if self._found is None and is_ours(self._fd):
            self._found = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSANOW)

    def _signalled(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGCONT:
            self._reactor.callFromThread(self._go_on)
            return
        self.restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stops here, or ends
        signal.signal(number, self._signalled)

    # IReadDescriptor: the file itself stays blocking, because the log shares it.

    def fileno(self) -> int:
        """The terminal."""
        return self._fd

    def logPrefix(self) -> str:
        """For the reactor's log."""
        return "keys"

    def doRead(self) -> None:
        """Something was typed.

        Not to be read by a process that was stopped and has not taken the terminal again: it may
        be for the shell, and once the shell has it, reading would wait, and all else with it.
        """
        if self._found is None:
            self._look_again()
            return
        try:
            with _without(signal.SIGTTIN):  # in the background by now: an error, and no stop
                data = os.read(self._fd, 1024)
        except OSError:
            data = b""
        if not data:
            self._look_again()
            return
        try:
            self._typed(self._decoder.decode(data))
        except Exception:
            log.failure("a key failed")

    def connectionLost(self, reason: Failure) -> None:
        """The terminal is gone; or the reactor is, and all is over."""
        if self.running and not is_terminal(self._fd):
            self._gone()


@contextlib.contextmanager
def _without(number: int) -> Any:
    """A signal that is ignored meanwhile."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)
