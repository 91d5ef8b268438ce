"""What a client without a token, or one that does not read, makes the control port do and keep."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.conch.telnet import IAC
from twisted.internet.defer import Deferred

from tests.servers.control.test_tokens import Controller
from tests.support.process import PATIENCE, ServerProcess
from tests.support.server_case import ServerCase, TokenCase
from twistedcam.commands import standard_commands
from twistedcam.net.connection_limits import (
    LEAST_SHARE,
    UNJOINED_SHARE,
    ConnectionLimits,
)
from twistedcam.servers.control import line_format as lines
from twistedcam.servers.control.protocol import (
    AT_ONCE,
    JOIN_TIMEOUT,
    PIECE,
    READ_SIZE,
    ControlFactory,
)

#: What a telnet program may send between two words, and what garbage may have.
COMMANDS = [IAC + b"\xf1", IAC + b"\xf6", IAC + b"\xf4", IAC + b"\xfd\x01", IAC + b"\xed", b"\r\0"]


class TurnTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.factory = ControlFactory(self.server, standard_commands())

    def turn(self, times: int = 5000) -> None:
        for _ in range(times):
            self.clock.advance(0)

    def test_whatever_comes_is_taken_apart_in_turns(self) -> None:
        for command in COMMANDS:
            controller = Controller(self.factory)
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

    def test_a_command_that_waits_does_not_keep_its_controller_from_being_read(self) -> None:
        waiting: Deferred[None] = Deferred()

        @self.factory.registry.command("slow")
        async def slow(server: object) -> None:
            await waiting

        controller = Controller(self.factory)
        self.assertEqual(controller.ask("slow"), [])
        controller.protocol.dataReceived(b"ping\n" * 3)
        self.assertEqual(controller.transport.producerState, "producing")
        controller.protocol.dataReceived(b"ping\n" * 500)
        self.turn()
        self.assertEqual(controller.transport.producerState, "paused")
        waiting.callback(None)
        self.turn()
        self.assertEqual(controller.heard(), ["OK"] * 504)

    def test_a_controller_that_has_closed_its_half_gets_all_its_answers(self) -> None:
        controller = Controller(self.factory)
        controller.protocol.dataReceived(b"ping\n" * 500 + b"nonsense\n")
        controller.protocol.readConnectionLost()
        self.turn()
        answers = controller.heard()
        self.assertEqual(answers[:-1], ["OK"] * 500)
        self.assertTrue(controller.transport.disconnecting)


class TokenTests(TokenCase):
    def setUp(self) -> None:
        super().setUp()
        self.factory = ControlFactory(self.server, standard_commands())

    def test_a_token_has_to_be_shown_in_time(self) -> None:
        silent, slow, right = (Controller(self.factory) for _ in range(3))
        right.ask(f"auth {self.tokens['boss']}")
        for _ in range(int(JOIN_TIMEOUT) - 1):
            self.clock.advance(1)
            self.assertEqual(slow.ask("ping"), ["OK"])
        self.assertFalse(silent.transport.disconnecting)
        self.clock.advance(1.1)
        for each in (silent, slow):
            [answer] = each.heard()
            self.assertRegex(answer, "^ERR unauthorized no token was shown within 10 s")
            self.assertTrue(each.transport.disconnecting)
        self.clock.advance(3600)
        self.assertEqual(right.ask("ping")[-1], "OK")
        self.assertFalse(right.transport.disconnecting)

    def test_one_whose_token_is_being_looked_at_is_waited_for(self) -> None:
        guesser = Controller(self.factory)
        for _ in range(5):
            guesser.ask("auth wrong")
        patient = Controller(self.factory)
        self.clock.advance(JOIN_TIMEOUT - 0.1)
        self.assertEqual(patient.ask(f"auth {self.tokens['boss']}"), [])
        for _ in range(60):
            self.clock.advance(1)
        self.assertEqual(patient.heard()[-1], "OK")
        self.assertFalse(patient.transport.disconnecting)

    def test_those_without_a_token_leave_room_for_all_others(self) -> None:
        self.server.connection_limiter.limits = ConnectionLimits(connections=80)
        share = 80 // UNJOINED_SHARE
        for number in range(share):
            self.assertFalse(Controller(self.factory, f"192.0.2.{number}").transport.disconnecting)
        late = Controller(self.factory, "192.0.2.99")
        self.assertTrue(late.transport.disconnecting)
        self.server.connection_limiter.admit(late.transport.getPeer())  # at another port

    def test_one_who_has_shown_a_token_makes_room(self) -> None:
        self.server.connection_limiter.limits = ConnectionLimits(connections=LEAST_SHARE * 2)
        for number in range(LEAST_SHARE + 4):
            each = Controller(self.factory, tls=True)
            self.assertFalse(each.transport.disconnecting, number)
            self.assertEqual(each.ask(f"auth {self.tokens['boss']}")[-1], "OK")


class NoTokenTests(ServerCase):
    def test_where_there_are_no_tokens_a_person_may_think_for_hours(self) -> None:
        controller = Controller(ControlFactory(self.server, standard_commands()))
        self.clock.advance(7200)
        self.assertEqual(controller.ask("ping"), ["OK"])

    def test_over_tls_the_handshake_has_to_end_in_time(self) -> None:
        factory = ControlFactory(self.server, standard_commands())
        silent, done = Controller(factory, tls=True), Controller(factory, tls=True)
        done.protocol.handshakeCompleted()
        self.clock.advance(JOIN_TIMEOUT + 0.1)
        self.assertTrue(silent.transport.disconnecting)
        self.assertEqual(done.ask("ping"), ["OK"])


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\n")))
def test_words_are_split_as_by_a_shell(text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError:
        return
    assert lines.split(text.encode()) == words


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    options = ["--camera", "pattern:?size=160x120&fps=20"]
    with ServerProcess(tmp_path_factory.mktemp("recordings"), *options) as running:
        yield running


@pytest.mark.parametrize("command", COMMANDS, ids=repr)
def test_a_flood_of_telnet_keeps_nobody_waiting(server: ServerProcess, command: bytes) -> None:
    with socket.create_connection(server.control, PATIENCE) as flood:
        flood.sendall(command * 16384)
        with socket.create_connection(server.control, PATIENCE) as other:
            answers = other.makefile("rb")
            assert answers.readline().startswith(b"OK twistedcam 1 ")
            other.sendall(b"ping\n")
            assert answers.readline() == b"OK\n"
            answers.close()
