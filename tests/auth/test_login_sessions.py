"""Logins to the page: they begin with a token, end with it, and survive a restart."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.auth import Authenticator, Grant, LoginSessions, TokenFile, login_sessions
from twistedcam.auth.login_sessions import MAX_IDLE, MAX_SESSIONS
from twistedcam.errors import NoSuchLogin, Unauthorized

VIEW = frozenset({"view"})


class LoginSessionTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "logins.json"
        self.clock, self.now = Clock(), 1_000_000.0
        self.file = TokenFile(Path(folder.name) / "tokens.toml")
        self.file.add(Grant("phone", VIEW))
        self.file.add(Grant("guest", VIEW, expires=self.now + 60))
        self.authenticator = Authenticator(self.clock, self.file, lambda: self.now)
        self.logins = self.restarted()
        self.ended: list[str] = []

    def restarted(self) -> LoginSessions:
        return LoginSessions(
            lambda: self.authenticator,
            lambda: self.now,
            self.path.read_bytes,
            lambda data: self.path.write_bytes(data) and None,
        )

    def grant(self, name: str = "phone") -> Grant:
        return self.file.read()[name].grant

    def start(self, name: str = "phone") -> str:
        return self.logins.start(self.grant(name), "192.0.2.7", "Firefox\n/1")

    def test_a_secret_continues_its_session_and_no_other_text_does(self) -> None:
        secret = self.start()
        found = self.logins.find(secret)
        assert found is not None
        session, grant = found
        self.assertEqual((grant.name, session.address), ("phone", "192.0.2.7"))
        self.assertEqual(session.agent, "Firefox/1")
        for wrong in ("", session.key, session.id, secret[:-1], "\udcff"):
            self.assertIsNone(self.logins.find(wrong), wrong)
        self.assertNotEqual(self.start(), secret)

    def test_sessions_survive_a_restart_and_the_file_has_no_secret(self) -> None:
        secret, name = self.start(), self.logins.server_id
        text = self.path.read_text()
        self.assertNotIn(secret, text)
        self.assertNotIn(self.grant().digest, text)
        again = self.restarted()
        self.assertIsNotNone(again.find(secret))
        self.assertEqual(again.server_id, name)

    def test_a_changed_file_gives_no_session(self) -> None:
        secret = self.start()
        saved = json.loads(self.path.read_text())
        for key, value in (("token", "guest"), ("mac", "0" * 64), ("key", "0" * 64)):
            changed = saved | {"sessions": [saved["sessions"][0] | {key: value}]}
            self.path.write_text(json.dumps(changed))
            again = self.restarted()
            self.assertIsNone(again.find(secret), key)
            self.assertEqual(again.all(), [], key)

    def test_a_file_that_cannot_be_read_is_said_and_ends_no_login_to_come(self) -> None:
        for text in ("{", "[]", '{"version": 1, "id": "x", "sessions": []}', "[" * 100_000):
            self.path.write_text(text)
            with capturedLogs() as events:
                again = self.restarted()
                secret = again.start(self.grant(), "x", "y")
            self.assertIn("were not read", events[0]["log_format"])
            self.assertIsNotNone(again.find(secret))

    def test_without_a_disk_a_session_lasts_as_long_as_the_server(self) -> None:
        def full(data: bytes) -> None:
            raise OSError(28, "No space left on device")

        self.logins._write_file = full
        with capturedLogs() as events:
            secret = self.start()
        self.assertIn("end with this server", events[0]["log_format"])
        self.assertIsNotNone(self.logins.find(secret))

    def test_a_session_ends_with_its_token_also_if_another_has_its_name(self) -> None:
        phone, guest = self.start(), self.start("guest")
        self.now += 61
        with self.assertRaisesRegex(Unauthorized, "'guest' has expired"):
            self.logins.find(guest)
        self.file.remove("phone")
        self.file.add(Grant("phone", VIEW))
        self.assertIsNone(self.logins.find(phone))
        self.assertIsNone(self.restarted().find(phone))

    def test_a_session_of_a_user_ends_with_the_password(self) -> None:
        self.file.add_user(Grant("anna", VIEW), "correct horse")
        grant = self.file.read_all().users["anna"].grant
        secret = self.logins.start(grant, "x", "y")
        self.assertIsNotNone(self.restarted().find(secret))
        self.file.set_password("anna", "battery staple")
        self.assertIsNone(self.logins.find(secret))

    def test_a_session_that_is_not_used_for_a_month_ends(self) -> None:
        secret = self.start()
        for _ in range(3):
            self.now += MAX_IDLE - 1
            self.assertIsNotNone(self.restarted().find(secret))
            self.assertIsNotNone(self.logins.find(secret))
        self.now += MAX_IDLE + 1
        self.assertEqual(self.logins.all(), [])
        self.assertIsNone(self.logins.find(secret))

    def test_an_ended_session_closes_its_own_connections(self) -> None:
        secret, other = self.start(), self.start()
        for each in (secret, other):
            found = self.logins.find(each)
            assert found is not None
            session, grant = found
            self.authenticator.open_session(
                grant, lambda now: True, lambda why: self.ended.append(str(why)), session.key
            )
        found = self.logins.find(secret)
        assert found is not None
        self.logins.end(self.logins.named(found[0].id))
        self.assertEqual(self.ended, ["the login of 'phone' has ended"])
        self.assertIsNone(self.restarted().find(secret))
        self.assertIsNotNone(self.restarted().find(other))
        with self.assertRaises(NoSuchLogin):
            self.logins.named(found[0].id)

    def test_the_session_that_was_not_used_for_the_longest_time_makes_room(self) -> None:
        self.patch(login_sessions, "MAX_SESSIONS", 3)
        secrets = []
        for _ in range(4):
            self.now += 1
            secrets.append(self.start())
        self.assertEqual(
            [self.logins.find(each) is not None for each in secrets], [False, True, True, True]
        )
        self.assertGreater(MAX_SESSIONS, 100)
