"""Sessions on the control port: what a token allows, and events."""

from __future__ import annotations

import json
from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.control_client import ControlConnection, ControlPort
from tests.support.fakes import TINY_JPEG
from tests.support.server_case import TokenCase
from twistedcam.auth import Authenticator
from twistedcam.commands import standard_commands
from twistedcam.events import Fault, ViewerChanged
from twistedcam.media.frame import Frame
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.servers.control.session import MAX_UNREAD_EVENTS


class SessionTests(TokenCase):
    def setUp(self) -> None:
        super().setUp()
        self.factory = ControlFactory(self.server, standard_commands())

    def controller(self, name: str | None = None, **where: Any) -> ControlConnection:
        made = ControlConnection(self.factory, **where)
        if name is not None:
            self.assertEqual(made.ask(f"auth {self.tokens[name]}")[-1], "OK")
        return made

    def assertRefused(self, answer: list[str]) -> None:
        [line] = answer
        self.assertTrue(line.startswith("ERR unauthorized "), line)

    def test_without_a_token_only_some_commands_are_allowed(self) -> None:
        controller = self.controller()
        for line in ("status door", "cameras", "stop door", "shutdown", "watch", "viewers"):
            self.assertRefused(controller.ask(line))
        self.assertRefused(controller.ask("version"))  # it contains those of libraries
        for line in ("help", "ping", "json off"):
            self.assertEqual(controller.ask(line)[-1], "OK")
        self.assertEqual(self.server.cameras["door"].state, "stopped")

    def test_auth_answers_with_rights_and_cameras(self) -> None:
        for name, said in (
            ("boss", ["rights: view control"]),
            ("guest", ["rights: view", "cameras: door"]),
            ("source", ["rights: publish"]),
        ):
            self.assertEqual(self.controller().ask(f"auth {self.tokens[name]}"), [*said, "OK"])

    def test_without_a_token_no_camera_s_name_is_shown(self) -> None:
        for line in ("status", "status nowhere", "start x"):
            self.assertNotIn("door", str(self.controller().ask(line)))

    def test_the_right_view_changes_nothing(self) -> None:
        viewer = self.controller("viewer")
        self.assertEqual(viewer.ask("cameras")[-1], "OK")
        self.assertEqual(viewer.ask("status door")[-1], "OK")
        for line in ("start door", "stop door", "kick 1", "shutdown", "snapshot door"):
            self.assertRefused(viewer.ask(line))

    def test_the_right_control_allows_all_but_admin_commands(self) -> None:
        boss = self.controller("boss")
        self.assertEqual(boss.ask("stop door"), ["OK"])
        for line in ("shutdown", "reload", "save door"):
            [said] = boss.ask(line)
            self.assertRegex(
                said, "^ERR unauthorized the token 'boss' does not have the right 'admin'$"
            )

    def test_the_right_admin_allows_admin_commands_only(self) -> None:
        ended: list[bool] = []
        self.server.on_shutdown = lambda: ended.append(True)
        operator = self.controller("operator")
        self.assertEqual(operator.ask("shutdown"), ["OK"])
        self.assertEqual(ended, [True])
        self.assertIn("ERR not-supported", operator.ask("reload")[0])  # from the command itself
        self.assertEqual(operator.ask("save door")[-1], "OK")
        for line in ("cameras", "status door", "stop door", "watch", "kick 1", "version"):
            self.assertRefused(operator.ask(line))

    def test_admin_of_one_camera_saves_that_one(self) -> None:
        keeper = self.controller("keeper")
        self.assertEqual(keeper.ask("save door")[-1], "OK")
        for line in ("save yard", "save nowhere", "shutdown", "reload"):
            self.assertRefused(keeper.ask(line))

    def test_a_token_for_one_camera_is_valid_for_that_one(self) -> None:
        attendant = self.controller("attendant")
        self.assertEqual(attendant.ask("stop door"), ["OK"])
        for line in ("stop yard", "status yard", "kick 1", "shutdown"):
            self.assertRefused(attendant.ask(line))
        named = [line for line in attendant.ask("cameras") if line.startswith("camera:")]
        self.assertEqual(named, ["camera: door"])

    def test_a_token_for_one_camera_gets_no_other_camera_s_name(self) -> None:
        for line in ("status", "start", "get quality"):
            [said] = self.controller("attendant").ask(line)
            self.assertRegex(said, "^ERR camera-needed .*door")
            self.assertNotIn("yard", said)

    def test_hidden_and_missing_cameras_have_the_same_answer(self) -> None:
        attendant, guest = self.controller("attendant"), self.controller("guest")
        for line in ("status {}", "get {} fps", "get {}", "watch {}", "stop {}", "record start {}",
                     "snapshot {} a.jpg", "publish start {}", "set {} fps 5"):  # fmt: skip
            for asking in (attendant, guest):
                here, nowhere = (asking.ask(line.format(name)) for name in ("yard", "yurt"))
                self.assertRefused(here)
                self.assertEqual([each.replace("yard", "yurt") for each in here], nowhere)

    def test_without_the_right_arguments_are_not_checked(self) -> None:
        for name in ("source", "nobody", "viewer", "guest"):
            asking = self.controller(name)
            for line in ("stop", "stop nowhere", "kick x", "kick 1 2", "recordings delete",
                         "set door", "save nowhere", "record start --every x"):  # fmt: skip
                self.assertRefused(asking.ask(line))
        for name in ("source", "nobody", "operator"):
            asking = self.controller(name)
            for line in ("status", "status nowhere", "get", "watch nowhere", "cameras 1"):
                [said] = asking.ask(line)
                self.assertRegex(
                    said, "^ERR unauthorized the token '.*' does not have the right to view"
                )

    def test_names_of_other_cameras_files_are_not_revealed(self) -> None:
        for camera, seq in ((self.door, 1), (self.yard, 2)):
            camera.start()
            camera.hub.publish(Frame(seq, 1_000_000, 1, 1, TINY_JPEG))
        self.assertEqual(self.controller("boss").ask("snapshot yard x.jpg")[-1], "OK")
        attendant = self.controller("attendant")
        for name in ("x.jpg", "y.jpg"):
            self.assertEqual(
                attendant.ask(f"snapshot door {name}"), [f"snapshot: door+{name}", "OK"]
            )
        self.assertIn("ERR bad-argument", attendant.ask("snapshot door x.jpg")[0])  # its own

    def test_a_token_for_one_camera_gets_the_addresses_only(
        self,
    ) -> None:
        self.server.urls.update(view="twistedcam://here:9530", page="http://here:8080/")
        places = ["view: twistedcam://here:9530", "page: http://here:8080/", "rtsp: none", "OK"]
        for name in ("guest", "attendant"):
            self.assertEqual(self.controller(name).ask("server"), places)
        self.assertIn(f"recordings: {self.folder}", self.controller("viewer").ask("server"))
        self.assertRefused(self.controller("source").ask("server"))

    def test_events_of_other_cameras_are_not_sent(self) -> None:
        attendant = self.controller("attendant")
        self.assertEqual(attendant.ask("watch"), ["OK"])
        for camera in ("yard", "door"):
            self.server.events.publish(ViewerChanged(camera, "joined", 1, "x", "tcp"))
        [event] = attendant.heard()
        self.assertIn("camera=door", event)

    def test_the_right_publish_allows_no_commands(self) -> None:
        source = self.controller("source")
        for line in ("cameras", "status door", "stop door"):
            self.assertRefused(source.ask(line))

    def test_a_wrong_token_does_not_change_the_rights(self) -> None:
        boss = self.controller("boss")
        self.assertRefused(boss.ask("auth wrong"))
        self.assertEqual(boss.ask("cameras")[-1], "OK")

    def test_an_unencrypted_token_from_another_machine_is_refused(self) -> None:
        away = self.controller(host="192.0.2.7")
        [line] = away.ask(f"auth {self.tokens['boss']}")
        self.assertIn("ERR unauthorized a token is not accepted", line)
        self.assertRefused(away.ask("cameras"))
        self.assertEqual(self.controller("boss", host="192.0.2.7", tls=True).ask("ping"), ["OK"])

    def test_every_refusal_is_logged_with_address_and_name_and_never_with_a_token(self) -> None:
        away = "192.0.2.7"
        refused = (
            (self.controller("viewer"), "stop door", "127.0.0.1:4711: refused: the token 'viewer'"),
            (self.controller("attendant"), "kick 1", "refused: the token 'attendant'"),
            (self.controller(), "cameras", "refused: this server requires a token"),
            (self.controller(), "auth my-guess", "refused: that token is wrong"),
            (self.controller(host=away), f"auth {self.tokens['boss']}", f"{away}:4711: refused: a"),
        )
        for controller, line, said in refused:
            with capturedLogs() as events:
                self.assertRefused(controller.ask(line))
            text = " ".join(filter(None, map(formatEvent, events)))
            self.assertIn(said, text)
            for token in (*self.tokens.values(), "my-guess"):
                self.assertNotIn(token, text + repr(events))

    def test_without_tokens_auth_is_accepted_but_not_needed(self) -> None:
        self.server.authenticator = Authenticator(self.clock)
        controller = ControlConnection(self.factory, host="192.0.2.7")
        self.assertEqual(
            controller.ask("auth anything"), ["rights: view listen control publish admin", "OK"]
        )
        self.assertEqual(controller.ask("cameras")[-1], "OK")


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.it = ControlPort("one", "two")

    def tell(self, camera: str | None, reason: str = "it burns") -> None:
        self.it.server.events.publish(Fault(camera, "camera-failed", reason))

    def test_events_come_until_the_next_line(self) -> None:
        self.assertEqual(self.it.say(b"watch\n"), ["OK"])
        self.tell("one")
        self.assertEqual(
            self.it.heard(), ["event: fault camera=one code=camera-failed reason='it burns'"]
        )
        self.assertEqual(self.it.say(b"ping\n"), ["OK"])
        self.tell("one")
        self.assertEqual(self.it.heard(), [])

    def test_an_empty_line_ends_it_and_is_not_answered(self) -> None:
        self.it.say(b"watch\r\n")
        self.tell("one")
        self.assertEqual(len(self.it.heard()), 1)
        self.assertEqual(self.it.say(b"\r\n"), [])
        self.tell("one")
        self.assertEqual(self.it.heard(), [])

    def test_a_watch_of_one_camera_has_its_events_and_the_server_s(self) -> None:
        self.it.say(b"watch two\n")
        self.tell("one")
        self.tell("two")
        self.tell(None)
        self.assertEqual(
            [line.split()[2] for line in self.it.heard()], ["camera=two", "code=camera-failed"]
        )

    def test_a_missing_camera_cannot_be_watched(self) -> None:
        (answer,) = self.it.say(b"watch three\n")
        self.assertRegex(answer, "^ERR no-such-camera ")

    def test_events_are_json_where_json_is_on(self) -> None:
        self.it.say(b"json on\nwatch\n")
        self.tell("one")
        (line,) = self.it.heard()
        self.assertEqual(
            json.loads(line),
            {"event": "fault", "camera": "one", "code": "camera-failed", "reason": "it burns"},
        )

    def test_the_interrupt_key_ends_a_watch(self) -> None:
        self.it.say(b"watch\n")
        self.it.say(b"\xff\xf4")
        self.tell("one")
        self.assertEqual(self.it.heard(), [])

    def test_a_client_that_does_not_read_events_is_disconnected(self) -> None:
        self.it.say(b"watch\n")
        self.it.protocol.pauseProducing()
        for _ in range(MAX_UNREAD_EVENTS // 1000 + 1):
            self.assertFalse(self.it.wire.is_aborted)
            self.tell("one", "x" * 1000)
            self.it.protocol.pauseProducing()  # as transports do at every write
            if self.it.wire.is_aborted:
                break
        self.assertTrue(self.it.wire.is_aborted)
        said = len(self.it.heard())
        self.tell("one")
        self.assertEqual(self.it.heard(), [])
        self.assertLess(said, MAX_UNREAD_EVENTS // 1000 + 1)

    def test_a_client_that_reads_in_time_gets_all_events(self) -> None:
        self.it.say(b"watch\n")
        for _ in range(10):
            self.it.protocol.pauseProducing()
            for _ in range(MAX_UNREAD_EVENTS // 2000):
                self.tell("one", "x" * 1000)
            self.it.protocol.resumeProducing()
        self.assertFalse(self.it.wire.is_aborted)
        self.assertEqual(len(self.it.heard()), 10 * (MAX_UNREAD_EVENTS // 2000))

    def test_a_closed_connection_gets_no_events(self) -> None:
        self.it.say(b"watch\n")
        self.it.protocol.connectionLost()
        self.tell("one")
        self.assertEqual(self.it.heard(), [])
