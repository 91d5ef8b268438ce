"""A connection to the frame port that a test plays, for the tests of its sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import TINY_JPEG, FakeScheme, make_server
from twistedcam import Frame, wire
from twistedcam.sources.spec import SourceSpec, parse


class FakeConnection:
    """A connection that notes how it is ended."""

    def __init__(self) -> None:
        self.is_full = False
        self.peer = "here"
        self.transport: Any = StringTransport()
        self.ends: list[str] = []

    def dataReceived(self, data: bytes) -> None:
        raise AssertionError("nothing is sent")

    def readConnectionLost(self) -> None:
        self.ends.append("input")

    def resume(self) -> None:
        pass

    def abort(self, reason: str) -> None:
        self.ends.append(reason)

    def bye(self) -> None:
        self.ends.append("bye")

    def fail(self, error: Exception) -> None:
        self.ends.append(str(error))

    def messages(self) -> list[wire.Message]:
        data = self.transport.value()
        self.transport.clear()
        return list(wire.Decoder().feed(data))


class SessionCase(SynchronousTestCase):
    """A server with the camera ``cam`` and the camera ``in``, whose source is ``push:``."""

    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.server = make_server(Clock(), Path("unused"))
        self.camera = self.server.add_camera("cam", SourceSpec("fake", "", {}, "fake:"))
        self.pushed = self.server.add_camera("in", parse("push:"))
        self.connection = FakeConnection()

    def frame(self, seq: int) -> Frame:
        return Frame(seq, seq * 33_333, 1, 1, TINY_JPEG)
