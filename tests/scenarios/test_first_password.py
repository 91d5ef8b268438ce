"""When the first password is set, what was opened without one ends, on every port."""

from __future__ import annotations

import base64
from functools import partial

from tests.servers.frames.test_server import Peer
from tests.support.control_client import ControlConnection
from tests.support.fakes import TINY_JPEG
from tests.support.http_site import Connection
from tests.support.rtsp_peer import RtspPeer
from tests.support.server_case import ServerCase
from twistedcam import wire
from twistedcam.auth import Grant, TokenFile
from twistedcam.auth.sessions import PERIOD
from twistedcam.commands import standard_commands
from twistedcam.media.frame import Frame
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.servers.frames import FrameFactory
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router
from twistedcam.servers.rtsp import RtspFactory
from twistedcam.sources.spec import parse

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}
STREAMS = ("/stream/door", "/?action=stream", "/events", "/snapshot/door?after=1")


class FirstPasswordTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.add_camera("in", parse("push:"))
        registry = standard_commands()
        self.control = ControlFactory(self.server, registry)
        self.frames = FrameFactory(self.server, self.clock)
        router = make_router(self.server, registry, LiveStats(self.server))
        self.http = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)
        self.rtsp = RtspFactory(self.server, self.clock)
        self.door.hub.publish(Frame(1, 1_000_000, 1, 1, TINY_JPEG))
        self.file = TokenFile(self.folder / "tokens.toml")
        self.token = self.file.add(Grant("all", frozenset({"view", "control"})))

    def join(self, **wishes: str) -> Peer:
        peer = Peer(self.frames)
        peer.received()
        peer.send(wire.Join(**wishes))
        self.assertIsInstance(peer.received()[0], wire.State)
        return peer

    def ask(self, path: str, status: int = 200, **headers: str) -> Connection:
        browser = Connection(self.http)
        self.assertEqual(browser.ask("GET", path, **headers), status)
        return browser

    def begin(self) -> None:
        self.server.authenticator.begin(self.file)
        self.server.authenticator.end_anonymous()
        self.clock.advance(PERIOD)

    def test_a_controller_hears_why_and_is_gone(self) -> None:
        idle, watches = ControlConnection(self.control), ControlConnection(self.control)
        self.assertEqual(watches.ask("watch"), ["OK"])
        idle.heard()
        self.begin()
        for each in (idle, watches):
            [line] = each.heard()
            self.assertRegex(line, "^ERR unauthorized this server requires a token or a password")
            self.assertTrue(each.transport.disconnecting)
            self.assertEqual(each.ask("stop door"), [])

    def test_viewers_and_publishers_hear_why_and_are_gone(self) -> None:
        peers = [self.join(camera="door"), self.join(camera="in", role="publish")]
        self.begin()
        for each in peers:
            last = each.received()[-1]
            assert isinstance(last, wire.Error)
            self.assertEqual(last.code, "unauthorized")
            self.assertTrue(each.closed)
            each.protocol.connectionLost()
        self.assertEqual(len(self.server.viewers), 0)

    def test_streams_sockets_events_and_what_waits_are_cut(self) -> None:
        found = [self.ask(path, 0 if "after" in path else 200) for path in STREAMS]
        found.append(self.ask("/live/door", 101, **UPGRADE))
        self.begin()
        for each in found:
            self.assertTrue(each.transport.disconnecting)
            each.channel.connectionLost()
        self.assertEqual(len(self.server.viewers), 0)

    def test_an_rtsp_session_is_ended(self) -> None:
        peer = RtspPeer(self.rtsp)
        peer.set_up()
        self.begin()
        self.assertTrue(peer.is_closed)

    def test_the_client_that_sets_it_has_its_answer_first(self) -> None:
        browser = self.ask("/snapshot/door")
        waiting = self.ask("/snapshot/door?after=1", 0)
        self.server.authenticator.begin(self.file)
        self.server.authenticator.end_anonymous()
        self.door.hub.publish(Frame(2, 2_000_000, 1, 1, TINY_JPEG))
        self.assertIn(b"200 OK", waiting.take())
        self.clock.advance(PERIOD)
        self.assertFalse(waiting.transport.disconnecting)
        self.assertEqual(browser.ask("GET", "/snapshot/door"), 401)

    def test_a_password_that_is_taken_back_at_once_ends_nobody(self) -> None:
        stream = self.ask("/stream/door")
        self.server.authenticator.begin(self.file)
        self.server.authenticator.end_anonymous()
        self.server.authenticator.end()
        self.clock.advance(PERIOD)
        self.assertFalse(stream.transport.disconnecting)
        stream.channel.connectionLost()
        self.assertEqual(self.server.authenticator._anonymous, set())

    def test_who_came_with_a_token_stays(self) -> None:
        self.begin()
        browser = Connection(self.http)
        bearer = {"Authorization": f"Bearer {self.token}"}
        self.assertEqual(browser.ask("GET", "/stream/door", **bearer), 200)
        self.server.authenticator.end_anonymous()
        self.clock.advance(PERIOD)
        self.assertFalse(browser.transport.disconnecting)
        browser.channel.connectionLost()

    def test_nobody_who_has_gone_is_kept(self) -> None:
        self.ask("/stream/door").channel.connectionLost()
        self.ask("/snapshot/door").channel.connectionLost()
        self.join(camera="door").protocol.connectionLost()
        ControlConnection(self.control).protocol.connectionLost()
        self.assertEqual(self.server.authenticator._anonymous, set())
