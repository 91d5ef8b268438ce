"""Whatever a token has opened, on whichever port, ends within seconds of the token."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from tests.servers.frames.test_server import Peer
from tests.support.control_client import ControlConnection
from tests.support.fakes import TINY_JPEG
from tests.support.http_site import Connection
from tests.support.server_case import TokenCase
from twistedcam import wire
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.auth.sessions import PERIOD
from twistedcam.commands import standard_commands
from twistedcam.events import ViewerChanged
from twistedcam.media.frame import Frame
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.servers.frames import FrameFactory
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router
from twistedcam.sources.spec import parse

ALL = frozenset({"view", "control", "publish", "admin"})
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}


class EndTests(TokenCase):
    """``all`` may do everything until second 100; ``stays`` for ever."""

    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.server.add_camera("in", parse("push:"))
        self.file = TokenFile(self.folder / "tokens.toml")
        self.tokens["all"] = self.file.add(Grant("all", ALL, expires=100.0))
        self.tokens["stays"] = self.file.add(Grant("stays", ALL))
        self.server.authenticator = Authenticator(self.clock, self.file, lambda: self.now)
        self.registry = standard_commands()
        self.control = ControlFactory(self.server, self.registry)
        self.frames = FrameFactory(self.server, self.clock)
        router = make_router(self.server, self.registry, LiveStats(self.server))
        self.http = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)
        self.door.hub.publish(Frame(1, 1_000_000, 1, 1, TINY_JPEG))

    def controller(self, name: str) -> ControlConnection:
        made = ControlConnection(self.control)
        self.assertEqual(made.ask(f"auth {self.tokens[name]}")[-1], "OK")
        return made

    def join(self, name: str, **wishes: Any) -> Peer:
        peer = Peer(self.frames)
        [hello] = peer.received()
        assert isinstance(hello, wire.Hello)
        mac = wire.mac_of(self.tokens[name], wishes.get("role", "view"), hello.nonce)
        peer.send(wire.Join(mac=mac, **wishes))
        self.assertIsInstance(peer.received()[0], wire.State)
        return peer

    def ask(self, name: str, path: str, status: int = 200, **headers: str) -> Connection:
        browser = Connection(self.http)
        token = f"Bearer {self.tokens[name]}"
        self.assertEqual(browser.ask("GET", path, Authorization=token, **headers), status)
        return browser

    def expire(self) -> None:
        self.now = 100.0
        self.clock.advance(PERIOD)

    def remove(self) -> None:
        self.file.remove("all")
        self.clock.pump([PERIOD, PERIOD])

    def test_a_controller_hears_why_and_is_gone(self) -> None:
        for end, said in ((self.expire, "has expired"), (self.remove, "was removed")):
            self.now = 0.0
            ends, stays, watches = (self.controller(name) for name in ("all", "stays", "all"))
            self.assertEqual(watches.ask("watch"), ["OK"])
            self.server.events.publish(ViewerChanged("yard", "joined", 1, "x", "tcp"))
            self.assertIn("event: viewer", watches.heard()[0])
            end()
            for each in (ends, watches):
                [line] = each.heard()
                self.assertRegex(line, f"^ERR unauthorized the token 'all' {said}")
                self.assertTrue(each.transport.disconnecting)
                self.assertEqual(each.ask("cameras"), [])
            self.assertEqual(stays.ask("ping"), ["OK"])

    def test_a_controller_has_at_once_what_its_token_allows_now(self) -> None:
        ends = self.controller("stays")
        text = self.file.path.read_text()
        self.file.path.write_text(text.replace('"control", "publish", "admin"]', '"publish"]'))
        self.clock.advance(PERIOD)
        self.assertEqual(ends.ask("cameras")[-1], "OK")
        self.assertIn("ERR unauthorized", ends.ask("stop door")[0])
        self.assertIn("ERR unauthorized", ends.ask("shutdown")[0])

    def test_one_that_watches_what_it_may_no_longer_is_gone(self) -> None:
        watches, waits = self.controller("stays"), self.controller("stays")
        watches.ask("watch")
        text = self.file.path.read_text()
        head, _, last = text.rpartition('["view", "control", "publish", "admin"]')
        self.file.path.write_text(f'{head}["publish"]{last}')
        self.clock.pump([PERIOD, PERIOD])
        self.assertIn("no longer allows this", watches.heard()[-1])
        self.assertEqual(waits.heard(), [])

    def test_one_that_goes_while_its_token_waits_leaves_nothing(self) -> None:
        ControlConnection(self.control).ask("auth wrong")
        waiting = ControlConnection(self.control)
        self.assertEqual(waiting.ask(f"auth {self.tokens['all']}"), [])
        waiting.protocol.connectionLost()
        self.clock.advance(1)
        self.assertEqual(len(self.server.authenticator._sessions), 0)

    def test_another_token_on_the_same_line_is_the_one_that_counts(self) -> None:
        controller = self.controller("all")
        self.assertEqual(controller.ask(f"auth {self.tokens['stays']}")[-1], "OK")
        self.remove()
        self.assertEqual(controller.ask("ping"), ["OK"])

    def test_viewers_and_publishers_hear_why_and_are_gone(self) -> None:
        for end, said in ((self.expire, "has expired"), (self.remove, "was removed")):
            self.now = 0.0
            ends = [self.join("all", camera="door"), self.join("all", camera="in", role="publish")]
            stays = self.join("stays", camera="door")
            end()
            for each in ends:
                last = each.received()[-1]
                assert isinstance(last, wire.Error)
                self.assertEqual(last.code, "unauthorized")
                self.assertIn(f"the token 'all' {said}", last.message)
                self.assertTrue(each.closed)
                each.protocol.connectionLost()
            self.assertFalse(stays.closed)
            self.assertEqual(len(self.server.viewers), 1)
            stays.protocol.connectionLost()
            self.join("stays", camera="in", role="publish").protocol.connectionLost()  # it is free

    def test_a_viewer_whose_token_loses_its_camera_is_gone_and_another_s_stays(self) -> None:
        ends, stays = self.join("stays", camera="yard"), self.join("stays", camera="door")
        with open(self.file.path, "a") as file:  # the last token in it
            file.write('cameras = ["door"]\n')
        self.clock.pump([PERIOD, PERIOD])
        self.assertEqual((ends.closed, stays.closed), (True, False))

    def test_streams_sockets_events_and_what_waits_are_cut(self) -> None:
        for end in (self.expire, self.remove):
            self.now = 0.0
            ends = [
                self.ask("all", "/stream/door"),
                self.ask("all", "/?action=stream"),
                self.ask("all", "/live/door", 101, **UPGRADE),
                self.ask("all", "/events"),
                self.ask("all", "/events?figures=1"),
                self.ask("all", "/snapshot/door?after=1", 0),  # it waits for the next picture
            ]
            stays = self.ask("stays", "/stream/door")
            end()
            for each in ends:
                self.assertTrue(each.transport.disconnecting)
                each.channel.connectionLost()
            self.assertFalse(stays.transport.disconnecting)
            stays.channel.connectionLost()
            self.assertEqual(len(self.server.viewers), 0)

    def test_a_connection_that_has_its_answer_asks_again_and_is_judged_again(self) -> None:
        browser = self.ask("all", "/snapshot/door")
        self.expire()
        self.assertFalse(browser.transport.disconnecting)
        token = f"Bearer {self.tokens['all']}"
        self.assertEqual(browser.ask("GET", "/snapshot/door", Authorization=token), 401)
        self.assertIn("the token 'all' has expired", browser.json["message"])

    def test_events_that_were_cut_to_other_cameras_are_ended(self) -> None:
        events = self.ask("stays", "/events")
        with open(self.file.path, "a") as file:
            file.write('cameras = ["door"]\n')
        self.clock.pump([PERIOD, PERIOD])
        self.assertTrue(events.transport.disconnecting)

    def test_who_is_gone_is_looked_at_no_more(self) -> None:
        for each in (self.ask("all", "/stream/door"), self.ask("all", "/events")):
            each.channel.connectionLost()
        self.join("all").protocol.connectionLost()
        self.controller("all").protocol.connectionLost()
        self.assertEqual(len(self.server.authenticator._sessions), 0)
