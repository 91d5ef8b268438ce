"""A whole server on loopback, for tests of what connects to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial import unittest

from tests.support.process import PATIENCE
from twistedcam.app.service import CameraService
from twistedcam.config.options import ServeOptions
from twistedcam.events import Event, ViewerChanged
from twistedcam.sources.spec import parse

reactor: Any = installed_reactor
PATTERN = "pattern:?size=320x240&fps=60"


class ServingCase(unittest.TestCase):
    """Starts a server for each test and ends it."""

    timeout = PATIENCE
    cameras: ClassVar[dict[str, str]] = {"cam": PATTERN}
    #: The number of worker processes.
    workers: ClassVar[int] = 0

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        #: How often a controller asked for the end.
        self.ends: list[bool] = []
        self.port = 0
        self.serve()

    def serve(self) -> None:
        """Start the server, on the port that it had before."""
        options = ServeOptions(
            cameras={name: parse(source) for name, source in self.cameras.items()},
            listen=[f"tcp:{self.port}:interface=127.0.0.1", f"unix:{self.folder}/frames"],
            control=["tcp:0:interface=127.0.0.1"],
            recordings=self.folder / "recordings",
            workers=self.workers,
        )
        self.service = CameraService(reactor, options, on_shutdown=lambda: self.ends.append(True))
        self.service.privilegedStartService()
        self.service.startService()
        self.port = int(self.service.listeners["frames"][0].address.rpartition(":")[2])
        control = self.service.listeners["control"][0].address
        self.control_port = int(control.rpartition(":")[2])
        self.addCleanup(self.stop_serving, self.service)

    async def end_server(self) -> None:
        """End the server while the test goes on."""
        await self.stop_serving(self.service)

    def stop_serving(self, service: CameraService) -> Any:
        """End that server, if it runs."""
        return service.stopService() if service.running else None

    def watched(self) -> Deferred[None]:
        """Fires as soon as somebody has joined."""
        joined: Deferred[None] = Deferred()

        def happened(event: Event) -> None:
            if isinstance(event, ViewerChanged) and event.what == "joined":
                unsubscribe()
                reactor.callLater(0, joined.callback, None)

        unsubscribe = self.service.server.events.subscribe(happened)
        if len(self.service.server.viewers):
            unsubscribe()
            joined.callback(None)
        return joined

    def url(self, camera: str = "cam") -> str:
        """A camera's address."""
        return f"twistedcam://127.0.0.1:{self.port}/{camera}"

    @property
    def socket_url(self) -> str:
        """The address of the camera ``cam`` by the server's socket file."""
        return f"twistedcam+unix:{self.folder}/frames?camera=cam"

    def in_thread(self, call: Any, *arguments: Any, **options: Any) -> Any:
        """Make a blocking call while the server runs."""
        return deferToThread(call, *arguments, **options)
