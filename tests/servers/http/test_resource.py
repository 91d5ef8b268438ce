"""Tests of the resource in an existing twisted.web site."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.support.frame_serving import ServingCase
from tests.support.process import PATIENCE
from twistedcam.app.service import CameraService
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.camera.on_demand import next_frame
from twistedcam.errors import BadArgument

reactor: Any = installed_reactor


class ResourceTests(ServingCase):
    def serve(self) -> None:
        """Start the server and a site with its resource."""
        super().serve()
        root = Resource()
        root.putChild(b"cameras", self.service.resource())
        port = reactor.listenTCP(0, Site(root), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.site = f"http://127.0.0.1:{port.getHost().port}/cameras"

    def fetch(self, path: str, method: str = "GET", **headers: str) -> Any:
        """Return a Deferred of status and body, or of the open stream."""
        return self.in_thread(_fetch, self.site + path, method, headers)

    async def test_a_snapshot_is_the_newest_picture(self) -> None:
        await self.picture()
        for path in ("/snapshot", "/snapshot/cam"):
            answer = await self.fetch(path)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.body.startswith(b"\xff\xd8"))

    async def test_a_stream_is_one_picture_after_the_other_and_a_viewer(self) -> None:
        stream = await self.fetch("/stream/cam?fps=20")
        try:
            got = await self.in_thread(stream.read, 20_000)
            self.assertIn(b"Content-Type: image/jpeg", got)
            [viewer] = self.service.server.viewers
            self.assertEqual((viewer.kind, viewer.camera), ("http", "cam"))
        finally:
            stream.close()
        await self.left()

    async def test_a_kicked_viewer_is_disconnected(self) -> None:
        stream = await self.fetch("/stream/cam")
        await self.in_thread(stream.read, 1000)
        [viewer] = self.service.server.viewers
        self.service.server.viewers.kick(viewer.id)
        await self.in_thread(_to_its_end, stream)

    async def test_streams_end_with_the_service(self) -> None:
        stream = await self.fetch("/stream/cam")
        await self.in_thread(stream.read, 1000)
        await self.end_server()
        await self.in_thread(_to_its_end, stream)

    async def test_unknown_cameras_and_methods_are_refused(self) -> None:
        self.assertEqual((await self.fetch("/stream/nope")).status, 404)
        self.assertEqual((await self.fetch("/metrics")).status, 404)
        self.assertEqual((await self.fetch("/stream", "POST")).status, 405)
        self.assertEqual((await self.fetch("/stream", "HEAD")).status, 200)

    async def test_the_resource_checks_tokens(self) -> None:
        file = TokenFile(self.folder / "tokens.toml")
        token = file.add(Grant("desk", frozenset({"view"})))
        self.service.server.authenticator = Authenticator(reactor, file)
        self.assertEqual((await self.fetch("/snapshot")).status, 401)
        await self.picture()
        answer = await self.fetch("/snapshot", Authorization=f"Bearer {token}")
        self.assertEqual(answer.status, 200)

    async def picture(self) -> None:
        """Wait for a picture."""
        await next_frame(self.service.server.cameras["cam"].hub, reactor, PATIENCE)

    def left(self) -> Deferred[None]:
        """Return a Deferred that fires when there are no viewers."""
        gone: Deferred[None] = Deferred()

        def look() -> None:
            if len(self.service.server.viewers):
                reactor.callLater(0.02, look)
            else:
                gone.callback(None)

        look()
        return gone


class Answer:
    """A complete response."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body


def _fetch(url: str, method: str, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(url, headers=headers, method=method)
    try:
        found = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())
    if "/stream" in url and method == "GET":
        return found
    with found:
        return Answer(found.status, found.read())


def _to_its_end(stream: Any) -> None:
    with stream:
        try:
            while stream.read(65536):
                pass
        except OSError:
            return


class WordsTests(ServingCase):
    def test_options_are_those_of_serve(self) -> None:
        made = CameraService.of("--camera", "a=pattern:", "--no-http", "--no-rtsp")
        self.assertEqual(list(made.server.cameras), ["a"])
        self.assertNotIn("keys", [each.name for each in made])
        for words in (("--nope",), ("--camera", "x=nope:"), ("--listen",)):
            with self.assertRaises(BadArgument):
                CameraService.of(*words)
