"""The control port: answers in order, nothing piled up, and no bytes that break it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IWriteDescriptor
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides, providedBy

from tests.support.fakes import make_server
from twistedcam.commands import standard_commands
from twistedcam.errors import DiskError
from twistedcam.events import Fault
from twistedcam.net.graceful_close import LINGER
from twistedcam.servers.control.event_watch import MAX_BEHIND
from twistedcam.servers.control.protocol import ControlFactory, ControlProtocol
from twistedcam.sources.spec import parse


class Wire(StringTransport):
    """A transport that remembers how it was ended."""

    is_aborted = False

    def abortConnection(self) -> None:
        self.is_aborted = True


class Controller:
    """A port on a fake clock with one connection to it."""

    def __init__(self, *cameras: str) -> None:
        self.clock = Clock()
        folder = Path(tempfile.gettempdir(), "never-written")
        self.server = make_server(self.clock, folder)
        for name in cameras or ("cam",):
            self.server.add_camera(name, parse("pattern:"))
        self.registry = standard_commands()
        self.slow: list[Deferred[Any]] = []

        @self.registry.command("slow")
        async def slow(server: Any) -> Any:
            """Take its time."""
            waiting: Deferred[Any] = Deferred()
            self.slow.append(waiting)
            return await waiting

        self.factory = ControlFactory(self.server, self.registry)
        self.protocol, self.wire = self.connect()
        self.wire.clear()

    def connect(self) -> tuple[ControlProtocol, Wire]:
        protocol, wire = self.factory.buildProtocol(None), Wire()
        protocol.makeConnection(wire)
        return protocol, wire

    def say(self, data: bytes) -> list[str]:
        """Send bytes; the lines that came back."""
        self.protocol.dataReceived(data)
        self.turn()
        return self.heard()

    def turn(self) -> None:
        for _ in range(700):
            self.clock.advance(0)

    def heard(self) -> list[str]:
        text = self.wire.value().decode()
        self.wire.clear()
        return text.splitlines()


class PortTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.it = Controller()

    def test_it_greets(self) -> None:
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

    def test_a_line_cut_into_bytes_is_a_line(self) -> None:
        for byte in b"ping":
            self.assertEqual(self.it.say(bytes([byte])), [])
        self.assertEqual(self.it.say(b"\n"), ["OK"])

    def test_an_answer_waits_for_the_one_before_it(self) -> None:
        self.assertEqual(self.it.say(b"slow\nping\nversion\n"), [])
        self.it.slow[0].callback({"a": 1})
        self.assertEqual(self.it.heard()[:3], ["a: 1", "OK", "OK"])

    def test_line_ends_are_answered_as_they_came(self) -> None:
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

    def test_an_unknown_command_is_answered_with_the_nearest(self) -> None:
        (answer,) = self.it.say(b"statsu\n")
        self.assertEqual(
            answer, "ERR unknown-command 'statsu' is no command: did you mean 'status'?"
        )

    def test_a_command_that_breaks_is_logged_and_the_connection_lives_on(self) -> None:
        self.it.say(b"slow\n")
        self.it.slow[0].errback(RuntimeError("a bug"))
        self.assertEqual(
            self.it.heard(), ["ERR internal that failed inside the server; its log says why"]
        )
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.it.say(b"ping\n"), ["OK"])

    def test_a_command_that_would_end_the_program_gets_its_answer_and_ends_nothing(self) -> None:
        @self.it.registry.command("leave")
        def leave(server: Any) -> None:
            """Leave."""
            sys.exit(0)

        self.it.say(b"slow\n")
        self.it.slow[0].errback(SystemExit(1))
        answer = "ERR internal that failed inside the server; its log says why"
        self.assertEqual(self.it.say(b"leave\nping\n"), [answer, answer, "OK"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_an_error_has_its_code_and_stays_on_its_line(self) -> None:
        self.it.say(b"slow\n")
        self.it.slow[0].errback(DiskError("no\nspace"))
        self.assertEqual(self.it.heard(), ["ERR disk no space"])

    def test_a_line_too_long_is_refused_behind_the_answers_before_it(self) -> None:
        self.assertEqual(self.it.say(b"slow\nping\n" + b"x" * 5000 + b"\nping\n"), [])
        self.it.slow[0].callback(None)
        answers = self.it.heard()
        self.assertEqual(answers[:2], ["OK", "OK"])
        self.assertRegex(answers[2], "^ERR line-too-long ")
        self.assertEqual(len(answers), 3)
        self.assertTrue(self.it.wire.disconnecting)

    def test_a_page_in_a_browser_that_sends_commands_here_is_sent_away(self) -> None:
        ran: list[str] = []
        self.it.registry.command("touch")(lambda server: ran.append("touched"))
        head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1:9531\r\nContent-Type: text/plain\r\n\r\n"
        for data in (head + b"\ntouch\n", b"OPTIONS * HTTP/1.0\ntouch\n", b"PRI * HTTP/2.0\n"):
            it = Controller()
            it.registry.command("touch")(lambda server: ran.append("touched"))
            for byte in data:  # in however many pieces it comes
                it.say(bytes([byte]))
            self.assertEqual((ran, it.wire.disconnecting), ([], True))
        answers = self.it.say(b"ping\n" + head + b"\ntouch\n")
        self.assertEqual(answers[0], "OK")
        self.assertRegex(answers[1], "^ERR bad-argument that is HTTP")
        self.assertEqual((len(answers), ran), (2, []))

    def test_quit_closes_behind_its_answer(self) -> None:
        self.assertEqual(self.it.say(b"ping\nquit\nping\n"), ["OK", "OK"])
        self.assertTrue(self.it.wire.disconnecting)

    def test_one_who_does_not_take_the_last_words_is_not_waited_for(self) -> None:
        self.it.say(b"quit\n")
        self.it.clock.advance(LINGER)
        self.assertTrue(self.it.wire.is_aborted)

    def test_what_was_asked_before_the_other_side_closed_is_still_answered(self) -> None:
        self.it.say(b"slow\nping\n")
        self.it.protocol.readConnectionLost()
        self.assertFalse(self.it.wire.disconnecting)
        self.it.slow[0].callback(None)
        self.assertEqual(self.it.heard(), ["OK", "OK"])
        self.assertTrue(self.it.wire.disconnecting)

    def test_a_command_whose_asker_is_gone_is_carried_out_all_the_same(self) -> None:
        self.it.say(b"slow\nping\n")
        self.it.protocol.connectionLost()
        self.it.slow[0].callback(None)
        self.assertEqual(self.it.heard(), [])
        self.assertEqual(len(self.it.factory.connections), 0)

    def test_one_who_does_not_read_is_not_read_either(self) -> None:
        self.it.say(b"ping\n")
        self.it.protocol.pauseProducing()
        self.assertEqual(self.it.wire.producerState, "paused")
        self.assertEqual(self.it.say(b"ping\n" * 50), [])  # it was on its way already
        self.it.protocol.resumeProducing()
        self.it.turn()
        self.assertEqual(self.it.heard(), ["OK"] * 50)
        self.assertEqual(self.it.wire.producerState, "producing")

    def test_many_lines_that_wait_stop_the_reading(self) -> None:
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

    def test_others_have_their_turn_between_many_commands(self) -> None:
        turns: list[int] = []
        self.it.clock.callLater(0, lambda: turns.append(len(self.it.wire.value())))
        self.it.say(b"ping\n" * 1000)
        self.assertLess(turns[0], 100)


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.it = Controller("one", "two")

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

    def test_one_camera_s_events_and_those_of_none(self) -> None:
        self.it.say(b"watch two\n")
        self.tell("one")
        self.tell("two")
        self.tell(None)
        self.assertEqual(
            [line.split()[2] for line in self.it.heard()], ["camera=two", "code=camera-failed"]
        )

    def test_a_camera_that_there_is_not_is_not_watched(self) -> None:
        (answer,) = self.it.say(b"watch three\n")
        self.assertRegex(answer, "^ERR no-such-camera ")

    def test_events_in_json(self) -> None:
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

    def test_one_who_does_not_read_events_is_dropped_at_a_bound(self) -> None:
        self.it.say(b"watch\n")
        self.it.protocol.pauseProducing()
        for _ in range(MAX_BEHIND // 1000 + 1):
            self.assertFalse(self.it.wire.is_aborted)
            self.tell("one", "x" * 1000)
            self.it.protocol.pauseProducing()  # as transports do at every write
            if self.it.wire.is_aborted:
                break
        self.assertTrue(self.it.wire.is_aborted)
        said = len(self.it.heard())
        self.tell("one")
        self.assertEqual(self.it.heard(), [])
        self.assertLess(said, MAX_BEHIND // 1000 + 1)

    def test_one_who_reads_again_in_time_has_lost_nothing(self) -> None:
        self.it.say(b"watch\n")
        for _ in range(10):
            self.it.protocol.pauseProducing()
            for _ in range(MAX_BEHIND // 2000):
                self.tell("one", "x" * 1000)
            self.it.protocol.resumeProducing()
        self.assertFalse(self.it.wire.is_aborted)
        self.assertEqual(len(self.it.heard()), 10 * (MAX_BEHIND // 2000))

    def test_a_closed_connection_watches_no_more(self) -> None:
        self.it.say(b"watch\n")
        self.it.protocol.connectionLost()
        self.tell("one")
        self.assertEqual(self.it.heard(), [])


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
        it = Controller("cam")
        data = b"\n".join([*parts, b""])
        for start in range(0, len(data), step):
            it.protocol.dataReceived(data[start : start + step])
        it.turn()
        self.assertEqual(self.flushLoggedErrors(), [])
        it.wire.clear()
        if not it.wire.disconnecting:
            it.protocol.dataReceived(b"\xff\xf0" * 2 + b"\n\njson off\nping\n")
            it.turn()
            # A subnegotiation that the garbage began takes in what comes, up to its bound.
            self.assertTrue(
                it.wire.value().rstrip().endswith(b"OK") or "subneg" in it.protocol.state
            )
