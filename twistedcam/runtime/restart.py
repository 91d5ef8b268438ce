"""Starts the program again in the same process, so that its supervisor notices nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from twistedcam.errors import NotSupported
from twistedcam.runtime.signals import stop_reactor

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Seconds until the reactor is stopped: the answer to the request is sent before.
_SOON = 0.1


class Restart:
    """Stops the reactor, and replaces the program by a new one when that has happened.

    Arguments:
        reactor: the reactor.
        replace: replaces the program, as ``os.execv``.
    """

    def __init__(
        self, reactor: Any, replace: Callable[[str, list[str]], NoReturn] = os.execv
    ) -> None:
        self._reactor = reactor
        self._replace = replace
        self._ignored = [each for each in _SIGNALS if signal.getsignal(each) is signal.SIG_IGN]
        #: True once a restart was requested.
        self.is_wanted = False

    def request(self) -> None:
        """Stop the reactor soon. The caller of ``reactor.run`` calls ``execute`` then.

        Raises:
            NotSupported: this system cannot replace a program.
        """
        if sys.platform == "win32":
            raise NotSupported("on Windows, stop the server and start it again")
        if not self.is_wanted:
            self.is_wanted = True
            self._reactor.callLater(_SOON, stop_reactor, self._reactor)

    def execute(self) -> None:
        """Start the program again with the same arguments, if that was requested."""
        if not self.is_wanted:
            return
        for each in _SIGNALS:  # a new program inherits which signals are ignored or blocked
            if each not in self._ignored:
                signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        sys.stdout.flush()
        sys.stderr.flush()
        self._replace(sys.executable, [sys.executable, *sys.orig_argv[1:]])
