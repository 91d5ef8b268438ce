"""A browser that publishes over a WebSocket."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from tests.support.fakes import TINY_JPEG
from tests.support.films import h264_packets
from tests.support.http_site import Connection, SiteCase
from twistedcam import Frame, wire
from twistedcam.media.packet import Packet
from twistedcam.servers.frames.keepalive import SILENCE_LIMIT
from twistedcam.servers.http.streams.publish_socket import CLOSE_TIMEOUT, MAX_OTHER
from twistedcam.sources.spec import parse

SESSION = "0123456789abcdef"
#: Fewer cases than usual, because each opens two connections; more if FUZZ_CASES says so.
CASES = max(30, settings.default.max_examples - 70)  # type: ignore[union-attr]


class Browser:
    """A WebSocket that a test plays."""

    def __init__(self, connection: Connection, path: str, **headers: str) -> None:
        self.connection = connection
        self.socket = WSConnection(ConnectionType.CLIENT)
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.say(Request(host="localhost", target=path, extra_headers=extra))
        self.decoder = wire.Decoder()
        self.first = self.events()
        self.early = [] if path.startswith("/live") else self.decoded(self.first)

    def say(self, event: Event) -> None:
        self.connection.send(self.socket.send(event))

    def send(self, *messages: wire.Message | bytes) -> None:
        for each in messages:
            self.say(BytesMessage(each if isinstance(each, bytes) else each.encode()))

    def events(self) -> list[Any]:
        self.socket.receive_data(self.connection.take())
        return list(self.socket.events())

    def decoded(self, events: list[Any]) -> list[wire.Message]:
        found: list[wire.Message] = []
        for each in events:
            if isinstance(each, BytesMessage):
                found += self.decoder.feed(bytes(each.data))
            elif isinstance(each, CloseConnection):
                self.close_code = each.code
        return found

    def received(self) -> list[wire.Message]:
        early, self.early = self.early, []
        return early + self.decoded(self.events())


class PublishSocketCase(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.pushed = self.server.add_camera("in", parse("push:"))
        self.pushed.state = "live"
        self.put: list[Packet] = []
        self.patch(self.pushed.inbox, "put", lambda packet, *_: self.put.append(packet))
        self.patch(self.pushed.inbox, "put_sound", self.put.append)

    def open(self, path: str = "/publish/in", **headers: str) -> Browser:
        return Browser(self.connect(), path, **headers)

    def is_free(self) -> bool:
        """True if another publisher can come."""
        browser = self.open()
        found = browser.received()
        browser.connection.channel.connectionLost()
        return not any(isinstance(each, wire.Error) for each in found)


class PublishSocketTests(PublishSocketCase):
    def test_pictures_go_to_the_camera_and_are_acknowledged(self) -> None:
        browser = self.open()
        self.assertIsInstance(browser.first[0], AcceptConnection)
        [state] = browser.received()
        assert isinstance(state, wire.State)
        self.assertEqual((state.camera, state.state), ("in", "live"))
        packets = h264_packets([0, 0.1])
        browser.send(wire.FrameMessage(Frame(1, 5, 1, 1, TINY_JPEG)))
        browser.send(*(wire.FrameMessage(each) for each in packets))
        self.assertEqual([each.data for each in self.put], [TINY_JPEG, *(p.data for p in packets)])
        acks = [1, *(each.seq for each in packets)]
        self.assertEqual(browser.received(), [wire.Ack(each) for each in acks])

    def test_a_large_picture_arrives_in_pieces(self) -> None:
        browser = self.open()
        packet = h264_packets([0])[0]
        filler = b"\0\0\0\1\x06" + bytes([0x80]) * 300_000  # supplemental information
        large = Packet(packet.track, 1, 5, 5, packet.data + filler, True)
        data = browser.socket.send(BytesMessage(wire.FrameMessage(large).encode()))
        for at in range(0, len(data), 30_000):
            browser.connection.send(data[at : at + 30_000])
            self.clock.advance(0)
        while self.clock.getDelayedCalls() and not self.put:
            self.clock.advance(0)
        self.assertEqual([len(each.data) for each in self.put], [len(large.data)])

    def test_clocks_are_compared_and_pings_answered(self) -> None:
        browser = self.open()
        browser.received()
        browser.send(wire.Ping(b"12345678"))
        pong, ping = browser.received()
        self.assertEqual(pong, wire.Pong(b"12345678"))
        assert isinstance(ping, wire.Ping)
        self.assertGreater(wire.clock_of(ping), 1.7e9)
        browser.say(Ping(b"x"))
        self.assertIsInstance(browser.events()[0], Pong)

    def test_a_browser_that_is_silent_is_disconnected(self) -> None:
        browser = self.open()
        browser.received()
        for _ in range(int(SILENCE_LIMIT) + 5):
            self.clock.advance(1)
        *_, last = browser.received()
        assert isinstance(last, wire.Error)
        self.assertEqual(last.code, "timeout")
        self.clock.advance(CLOSE_TIMEOUT)
        self.assertTrue(browser.connection.transport.aborted)
        self.assertTrue(self.is_free())

    def test_a_key_frame_is_asked_for(self) -> None:
        browser = self.open()
        browser.received()
        self.pushed.stream.packets.request_keyframe()
        self.assertEqual(browser.received(), [wire.Keyframe()])

    def test_a_second_browser_is_refused_and_the_first_goes_on(self) -> None:
        first, second = self.open(), self.open(f"/publish/in?session={SESSION}")
        [error] = second.received()
        assert isinstance(error, wire.Error)
        self.assertEqual(error.code, "busy")
        self.assertEqual(second.close_code, 1008)
        first.received()
        first.send(wire.FrameMessage(Frame(1, 5, 1, 1, TINY_JPEG)))
        self.assertEqual(first.received(), [wire.Ack(1)])

    def test_a_browser_takes_the_place_of_its_own_lost_connection(self) -> None:
        path = f"/publish/in?session={SESSION}"
        first, second = self.open(path), self.open(path)
        self.assertIsInstance(first.received()[-1], wire.Bye)
        [state] = second.received()
        self.assertIsInstance(state, wire.State)
        first.connection.channel.connectionLost()
        second.send(wire.FrameMessage(Frame(1, 5, 1, 1, TINY_JPEG)))
        self.assertEqual(second.received(), [wire.Ack(1)])
        self.assertFalse(self.is_free())

    def test_the_camera_is_free_when_the_browser_leaves(self) -> None:
        for leave in (
            lambda browser: browser.send(wire.Bye()),
            lambda browser: browser.say(CloseConnection(1000)),
            lambda browser: browser.connection.channel.connectionLost(),
        ):
            browser = self.open()
            self.assertFalse(self.is_free())
            leave(browser)
            self.assertTrue(self.is_free())

    def test_wrong_messages_end_the_connection_with_one_error(self) -> None:
        jpeg = Frame(1, 5, 2, 2, TINY_JPEG)
        packet = h264_packets([0])[0]
        untrue = Packet(packet.track, 1, 5, 5, b"no start code", True)
        join = wire.Join("publish", "in").encode()
        for message, code in (
            (b"x", "bad-message"),
            (wire.HEADER.pack(wire.MARK, 99, 0, 0), "bad-message"),
            (wire.HEADER.pack(wire.MARK, 4, 0, wire.MAX_FRAME + 1), "too-large"),
            (wire.HEADER.pack(wire.MARK, 3, 0, MAX_OTHER + 1), "too-large"),
            (wire.Ack(1), "bad-message"),
            (join, "bad-message"),
            (wire.FrameMessage(jpeg), "bad-message"),
            (wire.FrameMessage(untrue), "bad-message"),
        ):
            browser = self.open()
            browser.received()
            browser.send(message, wire.FrameMessage(Frame(2, 5, 1, 1, TINY_JPEG)))
            found = browser.received()
            self.assertEqual([type(each) for each in found], [wire.Error], message)
            self.assertEqual(found[0].code, code, message)  # type: ignore[union-attr]
            browser.say(CloseConnection(1000))
            self.assertTrue(browser.connection.transport.disconnecting)
            browser.connection.channel.connectionLost()
            self.assertTrue(self.is_free())
        self.assertEqual(self.put, [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_text_is_refused(self) -> None:
        browser = self.open()
        browser.received()
        browser.say(TextMessage("hello"))
        [error] = browser.received()
        self.assertIn("binary", error.message)  # type: ignore[union-attr]

    def test_the_end_of_the_server_is_told(self) -> None:
        browser = self.open()
        browser.received()
        done = self.factory.close()
        self.assertEqual(browser.received(), [wire.Bye()])
        self.assertEqual(browser.close_code, 1001)
        browser.say(CloseConnection(1001))
        browser.connection.channel.connectionLost()
        self.successResultOf(done)

    def test_nothing_is_left(self) -> None:
        browser = self.open()
        browser.send(wire.Ping())
        browser.connection.channel.connectionLost()
        self.assertTrue(browser.connection.transport.producer is None)
        browser.connection.take()
        self.pushed.stream.packets.request_keyframe()
        self.assertEqual(browser.connection.take(), b"")

    def test_what_cannot_be_published_to_is_refused_before_the_socket_opens(self) -> None:
        for path, status in (
            ("/publish/door", 409),
            ("/publish/nowhere", 404),
            ("/publish", 400),
            ("/publish/in?session=short", 400),
        ):
            [rejection, *_] = self.open(path).first
            assert isinstance(rejection, RejectConnection), path
            self.assertEqual(rejection.status_code, status, path)

    def test_the_page_of_another_site_cannot_publish(self) -> None:
        self.guarded(any_name=True, cors=["http://reader.example"])
        for origin, path, status in (
            ("http://evil.example", "/publish/in", 403),
            ("http://reader.example", "/publish/in", 403),
            ("http://reader.example", "/%70ublish/in", 403),
            ("http://reader.example", "/live/door", None),
        ):
            [first, *_] = self.open(path, Origin=origin).first
            self.assertEqual(getattr(first, "status_code", None), status, (origin, path))


@st.composite
def _bytes(draw: st.DrawFn) -> bytes:
    """Messages that are nearly right: right ones with some bytes of others."""
    known = [
        wire.FrameMessage(Frame(1, 5, 1, 1, TINY_JPEG)).encode(),
        *(wire.FrameMessage(each).encode() for each in h264_packets([0, 0.1])),
        wire.Ping().encode(),
        wire.Join("publish").encode(),
        wire.Keyframe().encode(),
    ]
    data = bytearray(b"".join(draw(st.lists(st.sampled_from(known), max_size=4))))
    for _ in range(draw(st.integers(0, 3))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data) + draw(st.binary(max_size=20))


class PublishSocketFuzzTests(PublishSocketCase):
    def test_no_bytes_do_more_than_end_the_connection(self) -> None:
        @settings(max_examples=CASES)
        @given(_bytes(), st.booleans())
        def check(data: bytes, as_message: bool) -> None:
            browser = self.open()
            if as_message:
                browser.send(data)
            else:
                browser.connection.send(data)  # not even a WebSocket's
            for _ in range(4):
                self.clock.advance(0)
            browser.connection.channel.connectionLost()
            self.assertEqual(self.flushLoggedErrors(), [])

        check()
        self.assertTrue(self.is_free())
        self.assertEqual(len(self.door.hub), 0)
