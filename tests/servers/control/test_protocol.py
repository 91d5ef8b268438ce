"""Connections of the control port: the order of answers, limits and deadlines."""

from __future__ import annotations

import json
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.conch.telnet import IAC
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IWriteDescriptor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides, providedBy

from tests.support.control_client import ControlConnection, ControlPort
from tests.support.server_case import ServerCase, TokenCase
from twistedcam.commands import standard_commands
from twistedcam.errors import DiskError
from twistedcam.net.connection_limits import MIN_UNJOINED, UNJOINED_SHARE, ConnectionLimits
from twistedcam.net.graceful_close import LINGER
from twistedcam.servers.control.protocol import (
    AT_ONCE,
    JOIN_TIMEOUT,
    PIECE,
    READ_SIZE,
    ControlFactory,
)

#: What a telnet program may send between two words, and arbitrary bytes.
COMMANDS = [IAC + b"\xf1", IAC + b"\xf6", IAC + b"\xf4", IAC + b"\xfd\x01", IAC + b"\xed", b"\r\0"]


class PortTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.it = ControlPort()

    def test_a_connection_begins_with_a_greeting(self) -> None:
        _, wire = self.it.connect()
        self.assertRegex(
            wire.value().decode(), r"^OK twistedcam 1 \S+ \('help' lists the commands\)\n$"
        )

    def test_ten_thousand_pipelined_commands_are_answered_in_order(self) -> None:
        data = b"".join(b"no%d\n" % number for number in range(10_000))
        answers = self.it.say(data)
        self.assertEqual(len(answers), 10_000)
        for number, answer in enumerate(answers):
            self.assertIn(f"'no{number}'", answer)

    def test_a_line_may_come_byte_by_byte(self) -> None:
        for byte in b"ping":
            self.assertEqual(self.it.say(bytes([byte])), [])
        self.assertEqual(self.it.say(b"\n"), ["OK"])

    def test_an_answer_waits_for_the_one_before_it(self) -> None:
        self.assertEqual(self.it.say(b"slow\nping\nversion\n"), [])
        self.it.slow[0].callback({"a": 1})
        self.assertEqual(self.it.heard()[:3], ["a: 1", "OK", "OK"])

    def test_answers_have_the_line_ends_of_the_client(self) -> None:
        self.it.say(b"ping\r\n")
        self.it.protocol.dataReceived(b"ping\r\n")
        self.assertEqual(self.it.wire.value(), b"OK\r\n")

    def test_json_answers_are_one_line_each(self) -> None:
        answers = self.it.say(b"json on\nping\ncameras\nstatus nope\njson off\nping\n")
        self.assertEqual(answers[-1], "OK")
        ok, pong, cameras, error = map(json.loads, answers[:4])
        self.assertEqual([ok, pong], [{"ok": True}] * 2)
        self.assertEqual(cameras["cameras"][0]["camera"], "cam")
        self.assertEqual((error["ok"], error["code"]), (False, "no-such-camera"))

    def test_an_unknown_command_is_answered_with_the_most_similar(self) -> None:
        (answer,) = self.it.say(b"statsu\n")
        self.assertEqual(
            answer, "ERR unknown-command 'statsu' is not a command: did you mean 'status'?"
        )

    def test_a_command_that_fails_is_logged_and_the_connection_stays_open(self) -> None:
        self.it.say(b"slow\n")
        self.it.slow[0].errback(RuntimeError("a bug"))
        self.assertEqual(
            self.it.heard(), ["ERR internal the server failed; its log has the reason"]
        )
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.it.say(b"ping\n"), ["OK"])

    def test_a_command_that_raises_systemexit_is_answered_with_an_error(self) -> None:
        @self.it.registry.command("leave")
        def leave(server: Any) -> None:
            """Leave."""
            sys.exit(0)

        self.it.say(b"slow\n")
        self.it.slow[0].errback(SystemExit(1))
        answer = "ERR internal the server failed; its log has the reason"
        self.assertEqual(self.it.say(b"leave\nping\n"), [answer, answer, "OK"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_an_error_has_its_code_and_stays_on_its_line(self) -> None:
        self.it.say(b"slow\n")
        self.it.slow[0].errback(DiskError("no\nspace"))
        self.assertEqual(self.it.heard(), ["ERR disk no space"])

    def test_a_line_that_is_too_long_is_refused_after_earlier_answers(self) -> None:
        self.assertEqual(self.it.say(b"slow\nping\n" + b"x" * 5000 + b"\nping\n"), [])
        self.it.slow[0].callback(None)
        answers = self.it.heard()
        self.assertEqual(answers[:2], ["OK", "OK"])
        self.assertRegex(answers[2], "^ERR line-too-long ")
        self.assertEqual(len(answers), 3)
        self.assertTrue(self.it.wire.disconnecting)

    def test_http_requests_are_refused(self) -> None:
        ran: list[str] = []
        self.it.registry.command("touch")(lambda server: ran.append("touched"))
        head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1:9531\r\nContent-Type: text/plain\r\n\r\n"
        for data in (head + b"\ntouch\n", b"OPTIONS * HTTP/1.0\ntouch\n", b"PRI * HTTP/2.0\n"):
            it = ControlPort()
            it.registry.command("touch")(lambda server: ran.append("touched"))
            for byte in data:  # in pieces of one byte
                it.say(bytes([byte]))
            self.assertEqual((ran, it.wire.disconnecting), ([], True))
        answers = self.it.say(b"ping\n" + head + b"\ntouch\n")
        self.assertEqual(answers[0], "OK")
        self.assertRegex(answers[1], "^ERR bad-argument this is the control port, not HTTP")
        self.assertEqual((len(answers), ran), (2, []))

    def test_quit_closes_after_its_answer(self) -> None:
        self.assertEqual(self.it.say(b"ping\nquit\nping\n"), ["OK", "OK"])
        self.assertTrue(self.it.wire.disconnecting)

    def test_a_client_that_does_not_close_is_aborted(self) -> None:
        self.it.say(b"quit\n")
        self.it.clock.advance(LINGER)
        self.assertTrue(self.it.wire.is_aborted)

    def test_commands_before_a_half_close_are_answered(self) -> None:
        self.it.say(b"slow\nping\n")
        self.it.protocol.readConnectionLost()
        self.assertFalse(self.it.wire.disconnecting)
        self.it.slow[0].callback(None)
        self.assertEqual(self.it.heard(), ["OK", "OK"])
        self.assertTrue(self.it.wire.disconnecting)

    def test_a_command_is_executed_although_its_client_has_left(self) -> None:
        self.it.say(b"slow\nping\n")
        self.it.protocol.connectionLost()
        self.it.slow[0].callback(None)
        self.assertEqual(self.it.heard(), [])
        self.assertEqual(len(self.it.factory.connections), 0)

    def test_a_client_that_does_not_read_is_not_read(self) -> None:
        self.it.say(b"ping\n")
        self.it.protocol.pauseProducing()
        self.assertEqual(self.it.wire.producerState, "paused")
        self.assertEqual(self.it.say(b"ping\n" * 50), [])  # received before the pause
        self.it.protocol.resumeProducing()
        self.it.turn()
        self.assertEqual(self.it.heard(), ["OK"] * 50)
        self.assertEqual(self.it.wire.producerState, "producing")

    def test_reading_stops_when_many_lines_wait(self) -> None:
        self.it.say(b"slow\n" + b"ping\n" * 1000)
        self.assertEqual(self.it.wire.producerState, "paused")
        self.it.slow[0].callback(None)
        self.it.turn()
        self.assertEqual(self.it.wire.producerState, "producing")

    def test_an_answer_does_not_wait_for_the_loop_s_next_turn(self) -> None:
        directlyProvides(self.it.wire, IWriteDescriptor, providedBy(self.it.wire))
        sent: list[bytes] = []
        self.it.wire.doWrite = lambda: sent.append(self.it.wire.value())  # type: ignore[attr-defined]
        self.it.protocol.dataReceived(b"ping\nping\n")
        self.assertEqual(sent, [b"OK\nOK\n"])

    def test_other_calls_run_between_many_commands(self) -> None:
        turns: list[int] = []
        self.it.clock.callLater(0, lambda: turns.append(len(self.it.wire.value())))
        self.it.say(b"ping\n" * 1000)
        self.assertLess(turns[0], 100)


class SchedulingTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.factory = ControlFactory(self.server, standard_commands())

    def turn(self, times: int = 5000) -> None:
        for _ in range(times):
            self.clock.advance(0)

    def test_input_is_parsed_in_steps(self) -> None:
        for command in COMMANDS:
            controller = ControlConnection(self.factory)
            data = (command * READ_SIZE)[:READ_SIZE]
            controller.protocol.dataReceived(data)
            left = len(controller.protocol._pending) - controller.protocol._at
            self.assertGreaterEqual(left, READ_SIZE - AT_ONCE * PIECE, command)
            self.assertEqual(controller.transport.producerState, "paused")
            self.turn()
            self.assertEqual(controller.protocol._pending, b"", command)
            self.assertEqual(controller.transport.producerState, "producing")
            controller.transport.clear()
            self.assertEqual(controller.ask("ping")[-1:], ["OK"], command)

    def test_a_waiting_command_does_not_stop_the_reading(self) -> None:
        waiting: Deferred[None] = Deferred()

        @self.factory.registry.command("slow")
        async def slow(server: object) -> None:
            await waiting

        controller = ControlConnection(self.factory)
        self.assertEqual(controller.ask("slow"), [])
        controller.protocol.dataReceived(b"ping\n" * 3)
        self.assertEqual(controller.transport.producerState, "producing")
        controller.protocol.dataReceived(b"ping\n" * 500)
        self.turn()
        self.assertEqual(controller.transport.producerState, "paused")
        waiting.callback(None)
        self.turn()
        self.assertEqual(controller.heard(), ["OK"] * 504)

    def test_a_client_that_has_closed_its_half_gets_all_answers(self) -> None:
        controller = ControlConnection(self.factory)
        controller.protocol.dataReceived(b"ping\n" * 500 + b"nonsense\n")
        controller.protocol.readConnectionLost()
        self.turn()
        answers = controller.heard()
        self.assertEqual(answers[:-1], ["OK"] * 500)
        self.assertTrue(controller.transport.disconnecting)


class DeadlineTests(TokenCase):
    def setUp(self) -> None:
        super().setUp()
        self.factory = ControlFactory(self.server, standard_commands())

    def test_a_token_has_to_be_sent_in_time(self) -> None:
        silent, slow, right = (ControlConnection(self.factory) for _ in range(3))
        right.ask(f"auth {self.tokens['boss']}")
        for _ in range(int(JOIN_TIMEOUT) - 1):
            self.clock.advance(1)
            self.assertEqual(slow.ask("ping"), ["OK"])
        self.assertFalse(silent.transport.disconnecting)
        self.clock.advance(1.1)
        for each in (silent, slow):
            [answer] = each.heard()
            self.assertRegex(answer, "^ERR unauthorized no token was received within 10 s")
            self.assertTrue(each.transport.disconnecting)
        self.clock.advance(3600)
        self.assertEqual(right.ask("ping")[-1], "OK")
        self.assertFalse(right.transport.disconnecting)

    def test_the_deadline_is_extended_while_a_token_is_checked(self) -> None:
        guesser = ControlConnection(self.factory)
        for _ in range(5):
            guesser.ask("auth wrong")
        patient = ControlConnection(self.factory)
        self.clock.advance(JOIN_TIMEOUT - 0.1)
        self.assertEqual(patient.ask(f"auth {self.tokens['boss']}"), [])
        for _ in range(60):
            self.clock.advance(1)
        self.assertEqual(patient.heard()[-1], "OK")
        self.assertFalse(patient.transport.disconnecting)

    def test_connections_without_a_token_are_limited(self) -> None:
        self.server.connection_limiter.limits = ConnectionLimits(connections=80)
        share = 80 // UNJOINED_SHARE
        for number in range(share):
            self.assertFalse(
                ControlConnection(self.factory, f"192.0.2.{number}").transport.disconnecting
            )
        late = ControlConnection(self.factory, "192.0.2.99")
        self.assertTrue(late.transport.disconnecting)
        self.server.connection_limiter.admit(late.transport.getPeer())  # at another port

    def test_connections_with_a_token_do_not_count(self) -> None:
        self.server.connection_limiter.limits = ConnectionLimits(connections=MIN_UNJOINED * 2)
        for number in range(MIN_UNJOINED + 4):
            each = ControlConnection(self.factory, tls=True)
            self.assertFalse(each.transport.disconnecting, number)
            self.assertEqual(each.ask(f"auth {self.tokens['boss']}")[-1], "OK")


class NoTokenTests(ServerCase):
    def test_without_tokens_there_is_no_deadline(self) -> None:
        controller = ControlConnection(ControlFactory(self.server, standard_commands()))
        self.clock.advance(7200)
        self.assertEqual(controller.ask("ping"), ["OK"])

    def test_the_tls_handshake_has_a_deadline(self) -> None:
        factory = ControlFactory(self.server, standard_commands())
        silent, done = ControlConnection(factory, tls=True), ControlConnection(factory, tls=True)
        done.protocol.handshakeCompleted()
        self.clock.advance(JOIN_TIMEOUT + 0.1)
        self.assertTrue(silent.transport.disconnecting)
        self.assertEqual(done.ask("ping"), ["OK"])


LINES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"json on", b"watch", b"help", b"set cam fps \xff\xff1", b"\xff\xfa", b"get"]),
    st.text(max_size=30).map(lambda text: f"{text} --".encode(errors="replace")),
)


class FuzzTests(SynchronousTestCase):
    @settings(max_examples=200, deadline=None)
    @given(st.lists(LINES, max_size=12), st.integers(1, 50))
    def test_any_bytes_get_answers_and_leave_no_traceback(
        self, parts: list[bytes], step: int
    ) -> None:
        it = ControlPort("cam")
        data = b"\n".join([*parts, b""])
        for start in range(0, len(data), step):
            it.protocol.dataReceived(data[start : start + step])
        it.turn()
        self.assertEqual(self.flushLoggedErrors(), [])
        it.wire.clear()
        if not it.wire.disconnecting:
            it.protocol.dataReceived(b"\xff\xf0" * 2 + b"\n\njson off\nping\n")
            it.turn()
            # Random bytes may have begun a subnegotiation, which takes the rest.
            self.assertTrue(
                it.wire.value().rstrip().endswith(b"OK") or "subneg" in it.protocol.state
            )
