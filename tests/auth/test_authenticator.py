"""Right tokens open at once, wrong ones wait longer each time, and none is logged."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from twistedcam import wire
from twistedcam.auth import ANYONE, Authenticator, Grant, TokenFile, new_token
from twistedcam.auth.login_throttle import MAX_ADDRESSES, MAX_WAITING, LoginThrottle
from twistedcam.errors import BadArgument, Unauthorized

HERE = IPv4Address("TCP", "192.0.2.1", 5000)
THERE = IPv4Address("TCP", "192.0.2.2", 5000)


class AuthenticatorTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.clock = Clock()
        self.file = TokenFile(Path(folder.name) / "tokens.toml")
        self.token = self.file.add(Grant("phone", frozenset({"view"}), frozenset({"door"})))
        self.authenticator = Authenticator(self.clock, self.file)

    def present(self, token: str | None, peer: Any = HERE) -> Deferred[Grant]:
        return Deferred.fromCoroutine(self.authenticator.by_token(token, peer))

    def test_the_right_token_opens_what_the_file_says(self) -> None:
        self.assertEqual(self.successResultOf(self.present(self.token)).name, "phone")

    def test_no_token_and_wrong_tokens_open_nothing(self) -> None:
        for token in (None, "", "wrong", self.token + "x", self.token[:-1], "\ud800"):
            self.failureResultOf(self.present(token, THERE), Unauthorized)
            self.clock.advance(1000)

    def test_a_proof_is_for_its_role_and_nonce_alone(self) -> None:
        nonce = wire.new_nonce()

        def prove(mac: str | None, role: str = "view", to: str = nonce) -> Deferred[Grant]:
            self.clock.advance(1000)
            return Deferred.fromCoroutine(self.authenticator.by_mac(mac, role, to, HERE))

        mac = wire.mac_of(self.token, "view", nonce)
        self.assertEqual(self.successResultOf(prove(mac)).name, "phone")
        self.failureResultOf(prove(mac, "publish"), Unauthorized)
        self.failureResultOf(prove(mac, to=wire.new_nonce()), Unauthorized)
        self.failureResultOf(prove(wire.mac_of("other", "view", nonce)), Unauthorized)
        self.failureResultOf(prove(None), Unauthorized)
        self.failureResultOf(prove("ü\ud800"), Unauthorized)

    def test_digest_needs_all_tokens_of_viewers_themselves(self) -> None:
        file = TokenFile(self.file.path.with_name("digest.toml"))
        kept = file.add(Grant("nvr", frozenset({"view"})), keep=True)
        file.add(Grant("desk", frozenset({"control"})))
        authenticator = Authenticator(self.clock, file)
        assert authenticator.takes_digest
        matching = Deferred.fromCoroutine(authenticator.by_digest(lambda it: it == kept, HERE))
        assert self.successResultOf(matching).name == "nvr"
        file.add(Grant("phone", frozenset({"view"})))
        assert not authenticator.takes_digest
        assert not Authenticator(self.clock).takes_digest

    def test_each_wrong_token_makes_the_next_try_wait_longer(self) -> None:
        waits = []
        for _ in range(5):
            self.failureResultOf(self.present("wrong"), Unauthorized)
            probe = self.present("wrong")
            [call] = self.clock.getDelayedCalls()
            waits.append(call.getTime() - self.clock.seconds())
            self.clock.advance(waits[-1])
            self.failureResultOf(probe, Unauthorized)
            self.clock.advance(30)
        self.assertEqual(waits, sorted(waits))
        self.assertGreater(waits[-1], waits[0])
        self.assertEqual(waits[-1], 8.0)

    def test_a_right_token_waits_too_where_wrong_ones_came_from(self) -> None:
        self.failureResultOf(self.present("wrong"), Unauthorized)
        right = self.present(self.token)
        self.assertNoResult(right)
        self.clock.advance(0.25)
        self.successResultOf(right)

    def test_other_addresses_wait_for_nothing(self) -> None:
        self.failureResultOf(self.present("wrong"), Unauthorized)
        self.successResultOf(self.present(self.token, THERE))

    def test_who_was_right_is_not_kept_waiting_by_a_neighbour_who_guesses(self) -> None:
        self.successResultOf(self.present(self.token))
        self.failureResultOf(self.present("wrong"), Unauthorized)
        self.successResultOf(self.present(self.token))

    def test_a_crowd_of_tries_is_refused_unjudged(self) -> None:
        self.failureResultOf(self.present("wrong"), Unauthorized)
        waiting = [self.present("wrong") for _ in range(MAX_WAITING)]
        self.failureResultOf(self.present(self.token), Unauthorized)
        self.clock.pump([1.0] * 60)
        for each in waiting:
            self.failureResultOf(each, Unauthorized)

    def test_one_that_goes_while_it_waits_leaves_nothing(self) -> None:
        self.failureResultOf(self.present("wrong"), Unauthorized)
        waiting = self.present("wrong")
        waiting.cancel()
        self.failureResultOf(waiting)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_address_is_forgotten_after_a_quiet_minute(self) -> None:
        for _ in range(3):
            self.present("wrong").addErrback(lambda _: None)
            self.clock.advance(5)
        self.clock.advance(120)
        self.failureResultOf(self.present("wrong"), Unauthorized)
        right = self.present(self.token)
        self.clock.advance(0.25)
        self.successResultOf(right)

    def test_the_number_of_addresses_remembered_is_bounded(self) -> None:
        throttle = LoginThrottle(self.clock)
        for number in range(MAX_ADDRESSES + 10):
            throttle.failed(str(number))
        self.assertFalse(throttle.is_slowed("9"))
        self.assertTrue(throttle.is_slowed("10"))

    def test_the_file_is_read_again_when_it_changes(self) -> None:
        other = self.file.add(Grant("desk", frozenset({"control"})))
        self.assertEqual(self.successResultOf(self.present(other)).name, "desk")
        self.file.remove("phone")
        self.failureResultOf(self.present(self.token), Unauthorized)

    def test_a_file_that_breaks_or_goes_changes_nothing_and_opens_nothing(self) -> None:
        self.file.path.write_text("[token")
        self.successResultOf(self.present(self.token))
        os.unlink(self.file.path)
        self.successResultOf(self.present(self.token))
        self.failureResultOf(self.present("wrong"), Unauthorized)

    def test_a_file_without_tokens_lets_nobody_in(self) -> None:
        self.file.remove("phone")
        authenticator = Authenticator(self.clock, self.file)
        self.assertTrue(authenticator.is_needed)
        ask = Deferred.fromCoroutine(authenticator.by_token(self.token, HERE))
        self.failureResultOf(ask, Unauthorized)

    def test_without_a_file_everybody_may_do_everything(self) -> None:
        authenticator = Authenticator(self.clock)
        self.assertFalse(authenticator.is_needed)
        for token in (None, "any"):
            ask = Deferred.fromCoroutine(authenticator.by_token(token, HERE))
            self.assertIs(self.successResultOf(ask), ANYONE)

    def test_a_file_that_is_not_there_is_refused_at_the_start(self) -> None:
        with self.assertRaises(BadArgument):
            Authenticator(self.clock, TokenFile(self.file.path.with_name("none")))

    def test_a_file_that_all_can_read_is_warned_of(self) -> None:
        self.file.path.chmod(0o644)
        with capturedLogs() as events:
            Authenticator(self.clock, self.file)
        self.assertIn("chmod o=", " ".join(filter(None, map(formatEvent, events))))

    def test_tokens_are_long_enough_for_hmac_to_hash_them(self) -> None:
        self.assertGreater(len(new_token().encode()), 64)
        self.assertNotEqual(new_token(), new_token())
