"""Who may do what: every kind of token at every door, in one table.

What a token may do is worked out here anew from docs/security.md, and not from the program.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from tests.servers.frames.test_server import Peer
from tests.support.control_client import ControlConnection
from tests.support.fakes import TINY_JPEG
from tests.support.http_site import Connection
from tests.support.server_case import ServerCase
from twistedcam import wire
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.commands import standard_commands
from twistedcam.events import ViewerChanged
from twistedcam.media.frame import Frame
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.servers.frames import FrameFactory
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router
from twistedcam.sources.spec import parse

DOOR, YARD, NOWHERE = frozenset({"door"}), frozenset({"yard"}), frozenset({"nowhere"})
#: Kinds of token: rights, cameras, and whether it is over. The server has door, yard and in.
KINDS: dict[str, tuple[str, frozenset[str] | None, bool]] = {
    "none": ("", None, False),
    "none-door": ("", DOOR, False),
    "view": ("view", None, False),
    "control": ("control", None, False),
    "publish": ("publish", None, False),
    "admin": ("admin", None, False),
    "view-control": ("view control", None, False),
    "control-admin": ("control admin", None, False),
    "all": ("view control publish admin", None, False),
    "view-door": ("view", DOOR, False),
    "control-door": ("control", DOOR, False),
    "publish-in": ("publish", frozenset({"in"}), False),
    "admin-door": ("admin", DOOR, False),
    "all-door": ("view control publish admin", DOOR, False),
    "all-yard": ("view control publish admin", YARD, False),
    "all-nowhere": ("view control publish admin", NOWHERE, False),
    "all-no-camera": ("view control publish admin", frozenset(), False),
    "expired": ("view control publish admin", None, True),
    "expired-door": ("view control publish admin", DOOR, True),
}
#: Method, path, what is needed, and for which camera: a name, "" for none in particular (the
#: answer is cut to what the token is valid for), None for the server as a whole.
ROUTES: list[tuple[str, str, str, str | None]] = [
    ("GET", "/", "ask", ""),
    ("GET", "/events", "ask", ""),
    ("GET", "/events?figures=1", "ask", ""),
    ("GET", "/publish", "publish", ""),
    ("POST", "/api/v1/qr", "ask", ""),
    ("GET", "/metrics", "view", None),
    ("GET", "/state", "view", None),
    ("GET", "/state?camera=door", "view", None),
    ("GET", "/healthz", "view", None),
    ("GET", "/recordings/x.mp4", "view", None),
    ("GET", "/recordings.zip?name=x.mp4", "view", None),
    ("POST", "/recordings.zip", "view", None),
    ("GET", "/recordings/x.mp4/thumbnail", "view", None),
    ("GET", "/snapshot", "view", "door"),
    ("GET", "/stream", "view", "door"),
    ("GET", "/live", "view", "door"),
    ("GET", "/video", "view", "door"),
    ("GET", "/?action=snapshot", "view", "door"),
    ("GET", "/api/v1/openapi.json", "ask", ""),
    ("GET", "/api/v1/time", "ask", ""),
    ("GET", "/api/v1/help", "ask", ""),
    ("GET", "/api/v1/ping", "ask", ""),
    ("GET", "/api/v1/cameras", "ask", ""),
    ("GET", "/api/v1/status", "ask", ""),
    ("GET", "/api/v1/server", "ask", ""),
    ("GET", "/api/v1/viewers", "ask", ""),
    ("GET", "/api/v1/recordings", "ask", ""),
    ("GET", "/api/v1/snapshots", "ask", ""),
    ("GET", "/api/v1/publish", "ask", ""),
    ("GET", "/api/v1/events", "ask", ""),
    ("GET", "/api/v1/hooks", "ask", ""),
    ("POST", "/api/v1/hook/test", "admin", None),
    ("GET", "/api/v1/events/x/snapshot", "view", ""),
    ("GET", "/api/v1/version", "ask", None),
    ("GET", "/playback?start=1", "view", "door"),
    ("GET", "/api/v1/timelapse/status", "ask", ""),
    ("GET", "/api/v1/recorded", "ask", ""),
    ("DELETE", "/api/v1/recordings/x.mp4", "control", None),
    ("POST", "/api/v1/recordings/x.mp4/protect", "control", None),
    ("POST", "/api/v1/recordings/x.mp4/unprotect", "control", None),
    ("POST", "/api/v1/recordings/x.mp4/rename", "control", None),
    ("DELETE", "/api/v1/viewers/77", "control", None),
    ("GET", "/api/v1/logins", "admin", None),
    ("DELETE", "/api/v1/logins/77", "admin", None),
    ("POST", "/api/v1/shutdown", "admin", None),
    ("POST", "/api/v1/reload", "admin", None),
    *(
        row
        for camera in ("door", "yard", "nowhere", "elsewhere")
        for row in (
            ("GET", f"/stream/{camera}", "view", camera),
            ("GET", f"/stream?camera={camera}", "view", camera),
            ("GET", f"/?action=stream&camera={camera}", "view", camera),
            ("GET", f"/snapshot/{camera}", "view", camera),
            ("GET", f"/live/{camera}", "view", camera),
            ("GET", f"/playback/{camera}?start=1", "view", camera),
            ("GET", f"/playback/{camera}/piece.mp4?start=1", "view", camera),
            ("GET", f"/playback/{camera}/index.m3u8?start=1", "view", camera),
            ("GET", f"/playback/{camera}/picture?start=1", "view", camera),
            ("GET", f"/video/{camera}", "view", camera),
            ("GET", f"/publish/{camera}", "publish", camera),
            ("GET", f"/events?camera={camera}", "ask", camera),
            ("GET", f"/api/v1/cameras/{camera}/spans", "ask", camera),
            ("POST", f"/api/v1/cameras/{camera}/export?start=1&duration=1", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/timelapse?start=1&end=2", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/timelapse/cancel", "control", camera),
            ("GET", f"/api/v1/status?camera={camera}", "ask", camera),
            ("GET", f"/api/v1/events?camera={camera}", "ask", camera),
            ("GET", f"/api/v1/cameras/{camera}", "ask", camera),
            ("GET", f"/api/v1/cameras/{camera}/properties", "ask", camera),
            ("PATCH", f"/api/v1/cameras/{camera}", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/start", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/record/stop", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/record/save-last", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/publish/start", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/publish/stop", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/motion/on", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/motion/off", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/ptz/move?direction=up", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/ptz/stop", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/ptz/home", "control", camera),
            ("GET", f"/api/v1/cameras/{camera}/ptz/presets", "ask", camera),
            ("POST", f"/api/v1/cameras/{camera}/ptz/preset?name=x", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/ptz/save?name=x", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/ptz/delete?name=x", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/mute", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/unmute", "control", camera),
            ("GET", f"/api/v1/cameras/{camera}/areas", "ask", camera),
            ("POST", f"/api/v1/cameras/{camera}/areas/zones?polygons=none", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/areas/ignore?polygons=none", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/areas/privacy?polygons=none", "admin", camera),
            ("POST", f"/api/v1/cameras/{camera}/record/start", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/snapshot", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/stop", "control", camera),
            ("POST", f"/api/v1/cameras/{camera}/save", "admin", camera),
        )
    ),
]
#: Control lines in the same way.
LINES: list[tuple[str, str, str | None]] = [
    ("cameras", "ask", ""),
    ("server", "ask", ""),
    ("viewers", "ask", ""),
    ("recordings", "ask", ""),
    ("snapshots", "ask", ""),
    ("publish", "ask", ""),
    ("events", "ask", ""),
    ("hooks", "ask", ""),
    ("hook test x", "admin", None),
    ("watch", "ask", ""),
    ("version", "ask", None),
    ("timelapse status", "ask", ""),
    ("recorded", "ask", ""),
    ("recordings delete x.mp4", "control", None),
    ("rename x.mp4 y.mp4", "control", None),
    ("protect x.mp4", "control", None),
    ("unprotect x.mp4", "control", None),
    ("kick 77", "control", None),
    ("logins", "admin", None),
    ("logins end 77", "admin", None),
    ("shutdown", "admin", None),
    ("reload", "admin", None),
    *(
        (line.format(camera), right, camera)
        for camera in ("door", "yard", "nowhere", "elsewhere")
        for line, right in (
            ("status {}", "ask"),
            ("events {}", "ask"),
            ("spans {}", "ask"),
            ("export {} 1 1s", "control"),
            ("timelapse {} 1 2 1s", "control"),
            ("timelapse cancel {}", "control"),
            ("get {}", "ask"),
            ("get {} quality", "ask"),
            ("watch {}", "ask"),
            ("start {}", "control"),
            ("set {} quality 50", "control"),
            ("record start {} a.mkv", "control"),
            ("record stop {}", "control"),
            ("record save-last {} 5s", "control"),
            ("snapshot {} a.jpg", "control"),
            ("publish start {}", "control"),
            ("publish stop {} x", "control"),
            ("motion on {}", "control"),
            ("ptz move {} up", "control"),
            ("ptz stop {}", "control"),
            ("ptz home {}", "control"),
            ("ptz presets {}", "ask"),
            ("ptz preset {} x", "control"),
            ("ptz save {} x", "control"),
            ("ptz delete {} x", "control"),
            ("motion off {}", "control"),
            ("mute {}", "control"),
            ("unmute {}", "control"),
            ("areas {}", "ask"),
            ("areas zones {} none", "control"),
            ("areas ignore {} none", "control"),
            ("areas privacy {} none", "admin"),
            ("stop {}", "control"),
            ("save {}", "admin"),
            ("save {} --forget", "admin"),
        )
    ),
]


def allows(kind: str, right: str, camera: str | None) -> bool:
    """What docs/security.md says."""
    words, cameras, is_over = KINDS[kind]
    rights = set(words.split())
    if is_over or not rights & ({"view", "control"} if right == "ask" else {right}):
        return False
    if cameras is None or camera == "":
        return True
    return camera is not None and camera in cameras


class MatrixTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.add_camera("in", parse("push:"))
        for camera, seq in ((self.door, 1), (self.yard, 2)):
            camera.hub.publish(Frame(seq, 1_000_000, 1, 1, TINY_JPEG))
        file = TokenFile(self.folder / "tokens.toml")
        self.tokens = {
            kind: file.add(
                Grant(f"kind{number}", frozenset(words.split()), cameras, 5.0 if over else None)  # type: ignore[arg-type]
            )
            for number, (kind, (words, cameras, over)) in enumerate(KINDS.items())
        }
        self.server.authenticator = Authenticator(self.clock, file, lambda: 10.0)
        self.server.on_shutdown = lambda: None
        self.registry = standard_commands()

    def names_in(self, text: str) -> set[str]:
        """Cameras that a text names."""
        return {name for name in ("door", "yard") if name in text}

    def may_know(self, kind: str, asked: str | None = None) -> set[str]:
        """Cameras that one with that token may be told of, besides what it has named itself."""
        words, cameras, is_over = KINDS[kind]
        known = {"door", "yard"} if cameras is None else {"door", "yard"} & cameras
        return ({asked or ""} | (set() if is_over or not words else known)) - {""}

    def test_each_token_may_do_over_http_what_its_rights_allow(self) -> None:
        router = make_router(self.server, self.registry, LiveStats(self.server))
        factory = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)
        for kind, token in self.tokens.items():
            for method, path, right, camera in ROUTES:
                browser = Connection(factory, "192.0.2.9")
                body = json.dumps({"quality": 50}).encode() if method == "PATCH" else b""
                status = browser.ask(method, path, body, Authorization=f"Bearer {token}")
                where = (kind, method, path, status)
                if KINDS[kind][2]:
                    self.assertEqual(status, 401, where)
                elif allows(kind, right, camera):
                    self.assertNotIn(status, (401, 403), where)
                else:
                    self.assertEqual(status, 403, where)
                text = browser.head + browser.body.decode("latin-1")
                self.assertLessEqual(self.names_in(text), self.may_know(kind, camera), where)
                browser.channel.connectionLost()

    def test_the_table_has_every_route_and_command(self) -> None:
        router = make_router(self.server, self.registry, LiveStats(self.server))
        tried = [(method, path.partition("?")[0]) for method, path, *_ in ROUTES]
        missing = [
            route.path
            for route in router.routes
            if not any(route.method == how and route.match(path) is not None for how, path in tried)
        ]
        everybody = ["/static/{name}", "/static/{folder}/{name}", "/favicon.ico"]
        everybody += ["/service-worker.js", "/login", "/login", "/logout"]
        self.assertEqual(missing, everybody)
        commands = {self.registry.find(line.split())[0].name for line, *_ in LINES}
        others = {each.name for each in self.registry} - commands
        self.assertEqual(others, {"help", "ping", "auth", "json", "quit"})  # before a token, too

    def test_each_token_may_do_at_the_control_port_what_its_rights_allow(self) -> None:
        factory = ControlFactory(self.server, self.registry)
        for kind, token in self.tokens.items():
            if KINDS[kind][2]:
                [said] = ControlConnection(factory).ask(f"auth {token}")
                self.assertIn("has expired", said)
                continue
            for line, right, camera in LINES:
                controller = ControlConnection(factory)
                controller.ask(f"auth {token}")
                answer = controller.ask(line)
                where = (kind, line, answer)
                is_refused = bool(answer) and answer[0].startswith("ERR unauthorized")
                self.assertEqual(is_refused, not allows(kind, right, camera), where)
                named = self.names_in("\n".join(answer))
                self.assertLessEqual(named, self.may_know(kind, camera), where)
                controller.protocol.connectionLost()

    def test_each_token_may_join_at_the_frame_port_as_its_rights_allow(self) -> None:
        factory = FrameFactory(self.server, self.clock)
        for kind, token in self.tokens.items():
            for role, right in (("view", "view"), ("publish", "publish")):
                for camera in ("door", "yard", "in", "nowhere", "elsewhere", None):
                    peer = Peer(factory)
                    [hello] = peer.received()
                    assert isinstance(hello, wire.Hello)
                    self.assertEqual(hello.cameras, ())
                    mac = wire.mac_of(token, role, hello.nonce)
                    peer.send(wire.Join(role=role, camera=camera, mac=mac))
                    first = peer.received()[0]
                    where = (kind, role, camera, first)
                    code = first.code if isinstance(first, wire.Error) else ""
                    is_allowed = allows(kind, right, camera or "door")
                    self.assertEqual(code != "unauthorized", is_allowed, where)
                    if isinstance(first, wire.Error):
                        named = self.names_in(first.message)
                        self.assertLessEqual(named, self.may_know(kind, camera), where)
                    peer.protocol.connectionLost()

    def test_events_are_of_cameras_that_the_token_may_know(self) -> None:
        router = make_router(self.server, self.registry, LiveStats(self.server))
        http = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)
        control = ControlFactory(self.server, self.registry)
        for kind, token in self.tokens.items():
            browser, controller = Connection(http), ControlConnection(control)
            is_heard = browser.ask("GET", "/events", Authorization=f"Bearer {token}") == 200
            controller.ask(f"auth {token}")
            watches = controller.ask("watch") == ["OK"]
            self.assertEqual((is_heard, watches), (allows(kind, "ask", ""),) * 2, kind)
            for camera in ("door", "yard"):
                self.server.events.publish(ViewerChanged(camera, "joined", 1, "x", "tcp"))
            told = browser.take().decode() + "\n".join(controller.heard())
            self.assertEqual(self.names_in(told), self.may_know(kind) if watches else set(), kind)
            browser.channel.connectionLost()
            controller.protocol.connectionLost()

    def test_without_tokens_everything_is_open(self) -> None:
        self.server.authenticator = Authenticator(self.clock)
        factory = ControlFactory(self.server, self.registry)
        for line, _, camera in LINES:
            if camera not in ("nowhere", "elsewhere"):
                self.assertNotIn("unauthorized", str(ControlConnection(factory).ask(line)), line)
        grant: Any = self.successResultOf(
            Deferred.fromCoroutine(self.server.authenticator.by_token(None, None))
        )
        self.assertTrue(all(grant.allows(right) for right in ("view", "control", "admin")))
