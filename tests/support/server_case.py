"""Test cases with a server on a fake clock: its cameras, and tokens that open it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import FakeScheme, make_server
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.sources.spec import SourceSpec

VIEW = frozenset({"view"})
CONTROL = frozenset({"control"})
ADMIN = frozenset({"admin"})
DOOR = frozenset({"door"})
YARD = frozenset({"yard"})
#: Whom ``TokenCase`` lets in.
PEOPLE = (
    Grant("viewer", VIEW),
    Grant("boss", VIEW | CONTROL),
    Grant("guest", VIEW, DOOR),
    Grant("neighbour", VIEW, YARD),
    Grant("attendant", CONTROL, DOOR),
    Grant("desk", CONTROL),
    Grant("source", frozenset({"publish"})),
    Grant("operator", ADMIN),
    Grant("keeper", ADMIN, DOOR),
    Grant("nobody", frozenset()),
)


class ServerCase(SynchronousTestCase):
    """``self.server`` has the cameras ``door`` and ``yard``, both stopped, and ``self.clock``."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.clock = Clock()
        self.server = make_server(self.clock, self.folder)
        self.door, self.yard = (
            self.server.add_camera(name, SourceSpec("fake", "", {}, f"fake:{name}"))
            for name in ("door", "yard")
        )


class TokenCase(ServerCase):
    """The same, opened by ``self.tokens`` alone, by the names of ``PEOPLE``."""

    def setUp(self) -> None:
        super().setUp()
        file = TokenFile(self.folder / "tokens.toml")
        self.tokens = {grant.name: file.add(grant) for grant in PEOPLE}
        self.server.authenticator = Authenticator(self.clock, file)
