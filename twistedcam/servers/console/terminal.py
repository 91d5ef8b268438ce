"""Reads single keys from the server's terminal, and always restores its settings."""

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
except ImportError:  # pragma: no cover - not on Windows, where there are no keys
    termios = tty = None  # type: ignore[assignment]

log = Logger()

#: Seconds between two checks if the process is in the foreground.
FOREGROUND_CHECK = 0.5


def is_terminal(fd: int) -> bool:
    """True if ``fd`` is a terminal that is still open, on a system with termios."""
    return termios is not None and os.isatty(fd)


def is_foreground(fd: int) -> bool:
    """True if ``fd`` is a terminal, and this process is in its foreground."""
    if not is_terminal(fd):
        return False
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:  # not the controlling terminal, so there is no foreground
        return True


def discard_output() -> None:
    """Redirect standard output and error to /dev/null, if their terminal has been closed.

    Otherwise Python would exit with 120, because it cannot flush the output (Py_FinalizeEx).
    """
    null = os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        try:
            termios.tcgetattr(fd)
        except termios.error as error:
            if error.args[0] == errno.EIO:  # a file or pipe gives ENOTTY
                os.dup2(null, fd)
    os.close(null)


@implementer(IReadDescriptor)
class Terminal(Service):
    """Reads keys while the service runs and the process is in its terminal's foreground.

    Ctrl-C is still a signal. The terminal's settings are restored at Ctrl-Z, at Ctrl-\\ and at the
    end of the process.

    Arguments:
        reactor: reads from the terminal.
        on_typed: called with the text that was typed.
        on_ready: called once, when keys can be typed.
        on_closed: called when the terminal was closed while the process was in its foreground.
        fd: the terminal; if it is not one, the service does nothing.
    """

    def __init__(
        self,
        reactor: Any,
        on_typed: Callable[[str], None],
        on_ready: Callable[[], None] = lambda: None,
        on_closed: Callable[[], None] = lambda: None,
        fd: int = 0,
    ) -> None:
        self._reactor = reactor
        self._on_typed = on_typed
        self._on_ready = on_ready
        self._on_closed = on_closed
        self._fd = fd
        self._foreground_timer = Timer(reactor)
        self._is_ready = False
        self._saved: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def startService(self) -> None:
        """Read keys as soon as the reactor runs, and handles signals."""
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> None:
        """Restore the terminal and its signals."""
        super().stopService()
        self._foreground_timer.cancel()
        if self._handlers:
            self._reactor.removeReader(self)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers = {}
        self.restore()
        atexit.unregister(self.restore)

    def restore(self) -> None:
        """Restore the terminal's settings."""
        saved, self._saved = self._saved, None
        if saved is not None:
            # From the background, too, without being stopped. The terminal may be closed.
            with contextlib.suppress(termios.error), _ignored(signal.SIGTTOU):
                termios.tcsetattr(self._fd, termios.TCSANOW, saved)

    def _begin(self) -> None:
        in_main = (
            threading.current_thread() is threading.main_thread()
        )  # others cannot handle signals
        if not self.running or not in_main or not is_terminal(self._fd):
            return
        atexit.register(self.restore)
        for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGQUIT):
            self._handlers[number] = signal.signal(number, self._on_signal)
        self._enter()

    def _enter(self) -> None:
        """Read keys, now or as soon as the process is in the foreground (without any signal)."""
        if is_foreground(self._fd):
            self._set_key_mode()
            self._reactor.addReader(self)
            if not self._is_ready:
                self._is_ready = True
                self._on_ready()
        elif is_terminal(self._fd):
            self._foreground_timer.start(FOREGROUND_CHECK, self._enter)

    def _on_continued(self) -> None:
        """Check the terminal after SIGCONT, which also comes when it is closed."""
        if self.running and not self._foreground_timer.is_pending:
            self._check_again()

    def _check_again(self) -> None:
        """Read keys again, now or later, unless the terminal is closed."""
        self._reactor.removeReader(self)
        if is_terminal(self._fd):
            self._enter()
        else:
            self._on_closed()

    def _set_key_mode(self) -> None:
        """Get keys one by one, and do not echo them; signals and output do not change."""
        if self._saved is None and is_foreground(self._fd):
            self._saved = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSANOW)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGCONT:
            self._reactor.callFromThread(self._on_continued)
            return
        self.restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # stops or ends the process here
        signal.signal(number, self._on_signal)

    # IReadDescriptor. The file stays blocking, because the log shares it.

    def fileno(self) -> int:
        """Return the terminal's file descriptor."""
        return self._fd

    def logPrefix(self) -> str:
        """Return the prefix for the reactor's log."""
        return "keys"

    def doRead(self) -> None:
        """Read what was typed.

        A process that was stopped and has not set the terminal again must not read: the input may
        be for the shell, and the process would block once the shell has read it.
        """
        if self._saved is None:
            self._check_again()
            return
        try:
            with _ignored(signal.SIGTTIN):  # in the background: an error, but no stop
                data = os.read(self._fd, 1024)
        except OSError:
            data = b""
        if not data:
            self._check_again()
            return
        try:
            self._on_typed(self._decoder.decode(data))
        except Exception:
            log.failure("a key failed")

    def connectionLost(self, reason: Failure) -> None:
        """Report that the terminal is closed; do nothing when the reactor stops."""
        if self.running and not is_terminal(self._fd):
            self._on_closed()


@contextlib.contextmanager
def _ignored(number: int) -> Any:
    """Ignore a signal in a block."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)
