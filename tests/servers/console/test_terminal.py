"""Keys from a terminal, its settings, and its end."""

from __future__ import annotations

import os
import pty
import signal
import termios
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.servers.console import terminal as terminal_module
from twistedcam.servers.console.terminal import FOREGROUND_CHECK, Terminal


class Reactor(Clock):
    """One that runs, and reads when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def callWhenRunning(self, call: Any) -> None:
        call()

    def callFromThread(self, call: Any) -> None:
        call()

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        if reader in self.readers:
            self.readers.remove(reader)


class TerminalTests(SynchronousTestCase):
    """A service on a terminal that no process has for its own."""

    def setUp(self) -> None:
        self.keyboard, self.screen = pty.openpty()
        self.addCleanup(self.close)
        self.before = termios.tcgetattr(self.screen)
        self.reactor = Reactor()
        self.told: list[str] = []
        self.terminal = Terminal(
            self.reactor,
            self.typed,
            lambda: self.told.append("ready"),
            lambda: self.told.append("gone"),
            self.screen,
        )
        self.signals = [signal.getsignal(each) for each in (signal.SIGTSTP, signal.SIGCONT)]
        self.terminal.startService()
        self.addCleanup(self.stop)

    def typed(self, text: str) -> None:
        if text == "!":
            raise ZeroDivisionError
        self.told.append(text)

    def type(self, text: bytes) -> None:
        os.write(self.keyboard, text)
        for reader in tuple(self.reactor.readers):
            reader.doRead()

    def hang_up(self) -> None:
        os.close(self.keyboard)
        self.keyboard = -1

    def stop(self) -> None:
        if self.terminal.running:
            self.terminal.stopService()
        now = [signal.getsignal(each) for each in (signal.SIGTSTP, signal.SIGCONT)]
        self.assertEqual(now, self.signals)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.reactor.readers, [])

    def close(self) -> None:
        os.close(self.screen)
        if self.keyboard >= 0:
            self.hang_up()

    def test_a_key_that_fails_is_logged_and_the_next_one_works(self) -> None:
        self.type(b"!")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.type("ü".encode()[:1])
        self.type("ü".encode()[1:])
        self.assertEqual(self.told, ["ready", "", "ü"])

    def test_the_terminal_s_settings_are_restored(self) -> None:
        self.assertNotEqual(termios.tcgetattr(self.screen), self.before)
        self.terminal.stopService()
        self.assertEqual(termios.tcgetattr(self.screen), self.before)

    def test_a_closed_terminal_is_reported(self) -> None:
        self.hang_up()
        self.patch(terminal_module, "is_terminal", lambda _: False)
        self.reactor.readers[0].doRead()
        self.assertEqual(self.told, ["ready", "gone"])
        self.terminal.connectionLost(None)  # type: ignore[arg-type]
        self.assertEqual(self.told, ["ready", "gone", "gone"])
        self.terminal.stopService()
        self.terminal.connectionLost(None)  # type: ignore[arg-type]
        self.assertEqual(len(self.told), 3)

    def test_in_the_background_it_waits_for_the_foreground(self) -> None:
        self.patch(terminal_module, "is_foreground", lambda _: False)
        signal.raise_signal(signal.SIGCONT)
        self.assertEqual(self.reactor.readers, [])
        self.reactor.advance(FOREGROUND_CHECK)
        self.assertEqual(self.reactor.readers, [])
        self.patch(terminal_module, "is_foreground", lambda _: True)
        self.reactor.advance(FOREGROUND_CHECK)
        self.type(b"s")
        self.assertEqual(self.told, ["ready", "s"])

    def test_the_foreground_is_not_checked_after_the_end(self) -> None:
        self.patch(terminal_module, "is_foreground", lambda _: False)
        signal.raise_signal(signal.SIGCONT)
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        self.terminal.stopService()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_after_a_stop_nothing_is_read_until_the_terminal_is_set_again(self) -> None:
        self.terminal.restore()  # as Ctrl-Z does
        self.patch(terminal_module, "is_foreground", lambda _: False)
        self.type(b"for the shell")  # reading could block, because the shell may be faster
        self.assertEqual(self.told, ["ready"])
        self.patch(terminal_module, "is_foreground", lambda _: True)
        self.reactor.advance(FOREGROUND_CHECK)
        self.reactor.readers[0].doRead()
        self.assertEqual(self.told, ["ready", "for the shell"])

    def test_a_read_error_in_the_background_waits_for_the_foreground(self) -> None:
        def refuse(*_: Any) -> bytes:
            raise OSError(5, "Input/output error")

        self.patch(terminal_module.os, "read", refuse)
        self.patch(terminal_module, "is_foreground", lambda _: False)
        self.reactor.readers[0].doRead()
        self.assertEqual(self.reactor.readers, [])
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)


def test_a_pipe_is_never_in_the_foreground() -> None:
    reader, writer = os.pipe()
    try:
        assert not terminal_module.is_foreground(reader)
    finally:
        os.close(reader)
        os.close(writer)
