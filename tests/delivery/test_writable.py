"""The notifier for writable sockets waits for a duplicate, and pauses."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.sockets import failing
from twistedcam.delivery.writable import PAUSE, WritableNotifier


class Reactor(Clock):
    """Keeps the descriptors that it waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.writers: set[Any] = set()
        self.addWriter = self.writers.add
        self.removeWriter = self.writers.discard


class NotifierTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.socket, far = socket.socketpair()
        self.addCleanup(self.socket.close)
        self.addCleanup(far.close)
        self.reactor = Reactor()
        self.calls: list[None] = []
        self.notifier = WritableNotifier(self.reactor, lambda: self.calls.append(None))
        self.addCleanup(self.notifier.stop)

    def test_it_waits_for_a_duplicate_until_it_is_stopped(self) -> None:
        self.assertTrue(self.notifier.start(self.socket.fileno()))
        duplicate = self.notifier.fileno()
        self.assertNotEqual(duplicate, self.socket.fileno())
        self.assertTrue(os.path.sameopenfile(duplicate, self.socket.fileno()))
        self.notifier.doWrite()
        self.assertEqual(len(self.calls), 1)
        self.notifier.stop()
        self.assertFalse(self.notifier.is_waiting)
        self.assertEqual(self.reactor.writers, set())
        self.assertRaises(OSError, os.fstat, duplicate)

    def test_a_pause_is_not_longer_than_its_time_and_ends_with_a_stop(self) -> None:
        self.notifier.start(self.socket.fileno())
        self.notifier.pause()
        self.notifier.pause()
        self.assertEqual(self.reactor.writers, set())
        self.reactor.advance(PAUSE)
        self.assertEqual(self.reactor.writers, {self.notifier})
        self.notifier.pause()
        self.notifier.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_without_a_file_descriptor_it_does_not_wait(self) -> None:
        self.patch(os, "dup", failing(errno.EMFILE))
        self.assertFalse(self.notifier.start(self.socket.fileno()))
        self.assertFalse(self.notifier.is_waiting)
