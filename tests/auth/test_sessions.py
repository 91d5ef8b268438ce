"""What a token has opened ends with the token."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.auth.sessions import PERIOD
from twistedcam.errors import Unauthorized

VIEW = frozenset({"view"})
HERE = IPv4Address("TCP", "192.0.2.1", 5000)
#: Two looks: what is missing has to be missing twice.
SECONDS = 2 * PERIOD


class SessionTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.clock = Clock()
        self.now = 1_000_000.0
        self.file = TokenFile(Path(folder.name) / "tokens.toml")
        self.tokens = {
            "guest": self.file.add(Grant("guest", VIEW, expires=self.now + 60)),
            "phone": self.file.add(Grant("phone", VIEW)),
        }
        self.authenticator = Authenticator(self.clock, self.file, lambda: self.now)
        self.ended: list[str] = []

    def present(self, name: str) -> Deferred[Grant]:
        return Deferred.fromCoroutine(self.authenticator.by_token(self.tokens[name], HERE))

    def open(self, name: str) -> None:
        grant = self.successResultOf(self.present(name))
        self.session = self.authenticator.open_session(
            grant, lambda now: now.allows("view", "door"), lambda why: self.ended.append(str(why))
        )

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.clock.pump([PERIOD / 2] * int(2 * seconds / PERIOD))

    def edit(self, old: str, new: str) -> None:
        text = self.file.path.read_text()
        assert old in text
        self.file.path.write_text(text.replace(old, new))

    def test_a_token_opens_until_its_end_and_not_after_it(self) -> None:
        self.now += 59.9
        self.successResultOf(self.present("guest"))
        self.now += 0.1
        failure = self.failureResultOf(self.present("guest"), Unauthorized)
        self.assertIn("the token 'guest' has expired", str(failure.value))
        self.successResultOf(self.present("phone"))  # that was no guess: nobody has to wait

    def test_what_it_has_opened_ends_within_seconds_of_it(self) -> None:
        self.open("phone")
        self.open("guest")
        self.wait(59)
        self.assertEqual(self.ended, [])
        self.wait(SECONDS)
        [said] = self.ended
        self.assertIn("'guest' has expired", said)

    def test_a_clock_that_is_set_on_ends_it_and_one_that_is_set_back_opens_it_again(self) -> None:
        self.open("guest")
        self.now += 1e9
        self.clock.advance(PERIOD)
        self.assertEqual(len(self.ended), 1)
        self.now -= 1e9
        self.open("guest")
        self.clock.advance(PERIOD)
        self.assertEqual(len(self.ended), 1)
        self.session.close()

    def test_a_clock_that_was_behind_at_the_start_is_judged_by_once_it_is_right(self) -> None:
        self.now = 0.0
        self.open("guest")
        self.clock.advance(PERIOD)
        self.now = 2_000_000.0
        self.clock.advance(PERIOD)
        self.assertEqual(len(self.ended), 1)

    def test_what_a_removed_token_has_opened_ends_within_seconds(self) -> None:
        self.open("phone")
        self.file.remove("phone")
        self.wait(SECONDS)
        self.assertEqual(self.ended, ["the token 'phone' was removed"])

    def test_a_token_of_the_same_name_is_another_one(self) -> None:
        self.open("phone")
        self.file.remove("phone")
        self.file.add(Grant("phone", VIEW))
        self.wait(SECONDS)
        self.assertEqual(self.ended, ["the token 'phone' was removed"])

    def test_what_a_token_no_longer_allows_ends_and_what_it_still_allows_stays(self) -> None:
        self.open("phone")
        self.edit('rights = ["view"]\n', 'rights = ["view", "control"]\ncameras = ["door"]\n')
        self.wait(SECONDS)
        self.assertEqual(self.ended, [])
        self.assertEqual(self.session.grant.cameras, {"door"})
        self.edit('cameras = ["door"]', 'cameras = ["yard"]')
        self.wait(SECONDS)
        self.assertEqual(self.ended, ["the token 'phone' no longer allows this"])

    def test_a_file_that_is_half_written_for_a_moment_ends_nothing(self) -> None:
        self.open("phone")
        text = self.file.path.read_text()
        for half in ("", "[token"):
            self.file.path.write_text(half)
            self.clock.advance(PERIOD)
            self.file.path.write_text(text + "# read again\n")
            self.wait(SECONDS)
            self.assertEqual(self.ended, [])
        self.session.close()

    def test_an_end_that_is_put_off_is_heeded(self) -> None:
        self.open("guest")
        self.edit("expires = ", "expires = 2199-01-01 # ")
        self.wait(100)
        self.assertEqual(self.ended, [])
        self.session.close()

    def test_it_looks_only_while_something_is_open(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.open("phone")
        first = self.session
        self.open("phone")
        first.close()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.session.close()
        self.session.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_that_fails_to_end_keeps_no_other_open(self) -> None:
        def fail(why: Unauthorized) -> None:
            raise ZeroDivisionError

        grant = self.successResultOf(self.present("phone"))
        self.authenticator.open_session(grant, lambda now: True, fail)
        self.open("phone")
        self.file.remove("phone")
        with capturedLogs() as events:
            self.wait(SECONDS)
        self.assertEqual(len(self.ended), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(events)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_without_tokens_nothing_is_looked_at(self) -> None:
        authenticator = Authenticator(self.clock)
        grant = self.successResultOf(Deferred.fromCoroutine(authenticator.by_token(None, HERE)))
        session = authenticator.open_session(grant, lambda now: False, self.ended.append)  # type: ignore[arg-type]
        self.assertEqual(self.clock.getDelayedCalls(), [])
        session.close()
