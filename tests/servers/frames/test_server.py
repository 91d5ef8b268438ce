"""The frame port keeps to the protocol, and a viewer keeps its connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import TINY_JPEG, FakeScheme, make_server
from tests.support.server_case import TokenCase
from twistedcam import Frame, wire
from twistedcam.events import Event, ViewerChanged
from twistedcam.servers.frames import FrameFactory, FrameProtocol
from twistedcam.sources.spec import SourceSpec
from twistedcam.wire.messages import FrameMessage


class Peer:
    """A client's side of one connection to the frame port."""

    def __init__(self, factory: FrameFactory) -> None:
        self.protocol: FrameProtocol = factory.buildProtocol(None)
        self.transport: Any = StringTransport()
        self.transport.abortConnection = self.transport.loseConnection
        self._decoder = wire.Decoder()
        self.protocol.makeConnection(self.transport)

    def send(self, *messages: wire.Message) -> None:
        self.protocol.dataReceived(b"".join(message.encode() for message in messages))

    def received(self) -> list[wire.Message]:
        data = self.transport.value()
        self.transport.clear()
        return list(self._decoder.feed(data))

    def frames(self) -> list[int]:
        return [each.frame.seq for each in self.received() if isinstance(each, FrameMessage)]

    @property
    def closed(self) -> bool:
        return bool(self.transport.disconnecting)


class FramePortTests(SynchronousTestCase):
    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.clock = Clock()
        self.server = make_server(self.clock, Path("unused"))
        self.camera = self.server.add_camera("cam", SourceSpec("fake", "", {}, "fake:"))
        self.factory = FrameFactory(self.server, self.clock)

    def publish(self, seq: int) -> None:
        frame = Frame(seq, seq * 33_333, 1, 1, TINY_JPEG)
        self.camera.hub.publish(frame)

    def join(self, **wishes: Any) -> Peer:
        peer = Peer(self.factory)
        peer.send(wire.Join(**wishes))
        return peer

    def assertEnds(self, peer: Peer, code: str) -> None:
        last = peer.received()[-1]
        self.assertIsInstance(last, wire.Error)
        assert isinstance(last, wire.Error)
        self.assertEqual(last.code, code)
        self.assertTrue(peer.closed)

    def test_the_server_speaks_first(self) -> None:
        [hello] = Peer(self.factory).received()
        assert isinstance(hello, wire.Hello)
        self.assertEqual(hello.protocol, 1)
        self.assertRegex(hello.server, r"^twistedcam/\d")
        self.assertRegex(hello.nonce, r"^[0-9a-f]{64}$")
        self.assertEqual(
            hello.cameras[0], {"name": "cam", "state": "stopped", "width": 0, "height": 0, "fps": 0}
        )

    def test_a_viewer_gets_the_state_at_once_and_then_the_newest_frame(self) -> None:
        self.publish(1)
        self.publish(2)
        _, state, frame = self.join().received()
        self.assertEqual(state, wire.State("cam", "stopped"))
        assert isinstance(frame, FrameMessage)
        self.assertEqual((frame.frame.seq, frame.frame.jpeg), (2, TINY_JPEG))

    def test_the_window_limits_unacknowledged_frames_and_the_next_is_the_newest(self) -> None:
        peer = self.join(window=2)
        for seq in (1, 2, 3, 4):
            self.publish(seq)
        self.assertEqual(peer.frames(), [1, 2])
        peer.send(wire.Ack(1))
        self.assertEqual(peer.frames(), [4])
        self.publish(5)
        self.assertEqual(peer.frames(), [])
        peer.send(wire.Ack(4))
        self.assertEqual(peer.frames(), [5])

    def test_window_0_asks_for_no_acknowledgements(self) -> None:
        peer = self.join(window=0)
        for seq in range(1, 20):
            self.publish(seq)
        self.assertEqual(peer.frames(), list(range(1, 20)))

    def test_a_viewer_gets_at_most_the_requested_rate(self) -> None:
        peer = self.join(window=0, max_fps=10)
        for seq in range(1, 31):
            self.publish(seq)
        self.assertIn(len(peer.frames()), (10, 11))

    def test_two_viewers_get_the_very_same_bytes(self) -> None:
        one, two = self.join(), self.join()
        one.received(), two.received()
        self.publish(1)
        self.assertEqual(one.transport.value(), two.transport.value())
        self.assertTrue(one.transport.value().endswith(TINY_JPEG))

    def test_stop_and_start_never_end_a_connection(self) -> None:
        peer = self.join()
        peer.received()
        self.camera.start()
        self.camera.stop()
        states = [each.state for each in peer.received() if isinstance(each, wire.State)]
        self.assertEqual(states, ["starting", "live", "stopped"])
        self.assertFalse(peer.closed)

    def test_ping_is_answered_with_its_own_bytes_also_before_join(self) -> None:
        peer = Peer(self.factory)
        peer.received()
        peer.send(wire.Ping(b"abcdefgh"))
        self.assertEqual(peer.received(), [wire.Pong(b"abcdefgh")])

    def test_bye_is_answered_and_ends_it(self) -> None:
        peer = self.join()
        peer.send(wire.Bye())
        self.assertEqual(peer.received()[-1], wire.Bye())
        self.assertTrue(peer.closed)
        self.assertEqual(len(self.server.viewers), 0)

    def test_a_client_that_does_not_join_is_let_go_after_ten_seconds(self) -> None:
        peer = Peer(self.factory)
        self.clock.advance(9.9)
        self.assertFalse(peer.closed)
        self.clock.advance(0.2)
        self.assertEnds(peer, "timeout")

    def test_a_silent_client_is_pinged_after_five_seconds_and_closed_after_fifteen(self) -> None:
        peer = self.join()
        peer.received()
        self.clock.pump([1] * 6)
        self.assertEqual([type(each) for each in peer.received()], [wire.Ping])
        self.clock.pump([1] * 10)
        self.assertEnds(peer, "timeout")

    def test_a_client_that_answers_pings_stays(self) -> None:
        peer = self.join()
        for _ in range(60):
            self.clock.advance(1)
            for message in peer.received():
                if isinstance(message, wire.Ping):
                    peer.send(wire.Pong(message.data))
        self.assertFalse(peer.closed)

    def test_what_has_no_place_ends_the_connection_with_its_code(self) -> None:
        early = Peer(self.factory)
        early.send(wire.Ack(1))
        self.assertEnds(early, "bad-message")
        twice = self.join()
        twice.send(wire.Join())
        self.assertEnds(twice, "bad-message")
        lost = self.join(camera="nowhere")
        self.assertEnds(lost, "no-such-camera")
        future = self.join(protocol=2)
        self.assertEnds(future, "version")
        garbage = Peer(self.factory)
        garbage.protocol.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        self.assertEnds(garbage, "bad-message")

    def test_a_message_that_has_no_place_is_named_as_the_protocol_does(self) -> None:
        peer = self.join()
        peer.send(FrameMessage(Frame(1, 1, 1, 1, TINY_JPEG)))
        self.assertEqual(
            peer.received()[-1], wire.Error("bad-message", "a viewer cannot send FRAME now")
        )

    def test_one_viewers_garbage_costs_the_others_nothing(self) -> None:
        good, bad = self.join(), self.join()
        good.received()
        bad.protocol.dataReceived(b"\x00" * 100)
        self.publish(1)
        self.assertEqual(good.frames(), [1])

    def test_a_kicked_viewer_gets_bye(self) -> None:
        peer = self.join()
        [viewer] = self.server.viewers
        self.server.viewers.kick(viewer.id)
        self.assertEqual(peer.received()[-1], wire.Bye())
        self.assertTrue(peer.closed)

    def test_a_viewer_may_be_kicked_by_a_listener_of_its_event(self) -> None:
        def kick(event: Event) -> None:
            if isinstance(event, ViewerChanged) and event.what == "joined":
                self.server.viewers.kick(event.viewer)

        self.server.events.subscribe(kick)
        peer = self.join()
        self.assertEqual(peer.received()[-1], wire.Bye())
        self.assertTrue(peer.closed)
        self.assertEqual(len(self.server.viewers), 0)

    def test_drops_are_counted(self) -> None:
        peer = self.join(window=1)
        for seq in (1, 2, 3):
            self.publish(seq)
        [viewer] = self.server.viewers
        self.assertEqual((viewer.frames, viewer.drops), (1, 2))
        peer.send(wire.Ack(1))  # and the newest comes after all
        self.assertEqual((viewer.frames, viewer.drops), (2, 1))


class TokenTests(TokenCase):
    def setUp(self) -> None:
        super().setUp()
        self.token, self.controlling = self.tokens["guest"], self.tokens["desk"]
        self.factory = FrameFactory(self.server, self.clock)

    def join(self, token: str | None, **wishes: Any) -> Peer:
        peer = Peer(self.factory)
        [hello] = peer.received()
        assert isinstance(hello, wire.Hello)
        self.assertTrue(hello.auth)
        role = wishes.get("role", "view")
        mac = None if token is None else wire.mac_of(token, role, hello.nonce)
        peer.send(wire.Join(mac=mac, **wishes))
        return peer

    def assertRefused(self, peer: Peer, code: str = "unauthorized") -> None:
        [error] = peer.received()
        assert isinstance(error, wire.Error)
        self.assertEqual(error.code, code)
        self.assertTrue(peer.closed)

    def test_the_proof_of_a_token_opens_the_cameras_that_it_is_good_for(self) -> None:
        [state] = self.join(self.token).received()
        assert isinstance(state, wire.State)
        self.assertEqual(state.camera, "door")
        self.assertRefused(self.join(self.token, camera="yard"))

    def test_no_proof_a_wrong_one_or_one_for_something_else_is_refused(self) -> None:
        for token, role in (
            (None, "view"),
            ("wrong", "view"),
            (self.controlling, "view"),
            (self.token, "publish"),
        ):
            self.clock.advance(100)
            peer = self.join(token, role=role)
            self.clock.advance(100)
            self.assertRefused(peer)
        self.assertEqual(len(self.server.viewers), 0)

    def test_hello_lists_no_cameras_where_a_token_is_needed(self) -> None:
        self.assertRefused(self.join(None, camera="nowhere"))

    def test_a_second_join_while_the_first_is_looked_at_is_out_of_turn(self) -> None:
        self.join("wrong")
        waiting = self.join(self.token)
        waiting.send(wire.Join())
        self.assertRefused(waiting, "bad-message")

    def test_a_client_that_leaves_during_its_join_leaves_nothing(self) -> None:
        self.join("wrong").protocol.connectionLost()
        waiting = self.join(self.token)
        waiting.protocol.connectionLost()
        self.assertEqual(len(self.factory.connections), 0)
        self.server.refusals.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_join_waits_for_the_delay_after_another_client_s_wrong_token(self) -> None:
        self.join("wrong")
        waiting = self.join(self.token)
        self.assertEqual(waiting.received(), [])
        self.clock.advance(0.3)
        self.assertIsInstance(waiting.received()[0], wire.State)
