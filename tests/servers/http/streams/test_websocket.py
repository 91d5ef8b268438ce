"""Tests of frames over a WebSocket."""

from __future__ import annotations

import json
import struct
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, Request, TextMessage

from tests.support.fakes import TINY_JPEG
from tests.support.http_site import Connection, SiteCase
from tests.support.nal_streams import stream_packets
from twistedcam.delivery.sender import HIGH_WATER
from twistedcam.events import ViewerChanged
from twistedcam.media.frame import Frame
from twistedcam.media.h264 import H264
from twistedcam.media.mp4_fragment import fragment
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.media.track import VIDEO, Track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.servers.http.streams import websocket
from twistedcam.servers.http.streams.websocket import ACK_TIMEOUT

AAC, OPUS = sound_track("aac", b"\x14\x08"), sound_track("opus", opus_head(2))


class WebSocketTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.open()

    def open(self) -> None:
        self.early: list[Any] = []
        self.client = WSConnection(ConnectionType.CLIENT)
        self.connection = self.connect()
        self.say(Request(host="localhost", target="/live/door"))
        self.early = self.events()

    def say(self, event: Event) -> None:
        self.connection.send(self.client.send(event))

    def events(self) -> list[Any]:
        self.client.receive_data(self.connection.take())
        early, self.early = self.early, []
        return early + list(self.client.events())

    def pictures(self) -> list[tuple[int, int]]:
        """Return sequence numbers and times of all received frames."""
        found = [each for each in self.events() if isinstance(each, BytesMessage)]
        return [struct.unpack("!QQ", bytes(each.data[:16])) for each in found]  # type: ignore[misc]

    def ack(self, seq: int) -> None:
        self.say(TextMessage(json.dumps({"ack": seq})))

    def test_at_most_two_frames_are_unacknowledged_and_the_newest_is_next(self) -> None:
        for seq in range(2, 7):
            self.show(seq)
        self.assertEqual(self.pictures(), [(1, 1_001_000_000), (2, 1_002_000_000)])
        self.ack(1)
        self.assertEqual(self.pictures(), [(6, 1_006_000_000)])

    def test_a_ping_is_answered(self) -> None:
        self.say(Ping(b"x"))
        self.assertTrue(any(isinstance(each, Pong) for each in self.events()))

    def test_a_viewer_that_acknowledges_nothing_is_disconnected(self) -> None:
        self.clock.advance(ACK_TIMEOUT)
        self.assertEqual(len(self.server.viewers), 1)
        self.clock.advance(ACK_TIMEOUT)
        self.assertEqual(len(self.server.viewers), 0)
        self.assertTrue(any(isinstance(each, CloseConnection) for each in self.events()))
        self.assertTrue(self.connection.transport.disconnecting)

    def test_an_acknowledgement_of_an_unsent_frame_is_ignored(self) -> None:
        self.show(2)
        self.pictures()
        for _ in range(4):
            self.clock.advance(ACK_TIMEOUT / 2)
            if not self.connection.transport.disconnecting:
                self.ack(0)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_pings_are_answered_in_steps_and_reading_pauses_meanwhile(self) -> None:
        transport = self.connection.transport
        self.events()
        self.connection.channel.dataReceived(self.client.send(Ping(b"x")) * 1000)
        self.assertEqual(transport.producerState, "paused")
        self.assertLess(len(self.events()), 100)
        while self.clock.getDelayedCalls():
            if transport.producerState == "producing":
                break
            self.clock.advance(0)
        self.assertEqual(transport.producerState, "producing")

    def test_a_viewer_that_does_not_read_pongs_is_disconnected(self) -> None:
        transport = self.connection.transport
        self.ack(1)
        self.events()
        transport.producer.pauseProducing()  # as transports do
        self.connection.channel.dataReceived(self.client.send(Ping(b"x" * 100)) * 1000)
        for _ in range(10):
            self.clock.advance(0)
        self.assertEqual(transport.producerState, "paused")
        self.assertLess(len(transport.value()), 2 * HIGH_WATER)
        for _ in range(2):
            self.clock.advance(ACK_TIMEOUT)
        self.assertTrue(transport.disconnecting)
        self.assertEqual(len(self.server.viewers), 0)

    def test_an_acknowledgement_may_arrive_byte_by_byte(self) -> None:
        self.pictures()
        self.show(2)
        for byte in self.client.send(TextMessage('{"ack": 1}')):
            self.connection.send(bytes([byte]))
        self.show(3)
        self.assertEqual([seq for seq, _ in self.pictures()], [2, 3])

    def test_data_with_the_request_is_handled(self) -> None:
        client = WSConnection(ConnectionType.CLIENT)
        request = client.send(Request(host="localhost", target="/live/door"))
        connection = self.connect()
        ping = bytes([0x89, 0x81, 0, 0, 0, 0]) + b"x"
        connection.channel.dataReceived(request + ping)
        self.clock.advance(0)
        self.assertTrue(connection.take().endswith(b"\x8a\x01x"))

    def test_invalid_messages_close_the_connection(self) -> None:
        for text in ("x", "{}", "[]", '{"ack": "1"}', "1", "x" * 2000):
            self.open()
            self.say(TextMessage(text))
            self.assertTrue(self.connection.transport.disconnecting, text)

    def test_closing_leaves_nothing(self) -> None:
        self.connection.channel.connectionLost()
        self.assertEqual((len(self.server.viewers), len(self.door.hub)), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_page_of_another_site_gets_no_error_page(self) -> None:
        client = WSConnection(ConnectionType.CLIENT)
        connection: Connection = self.connect()
        origin = [(b"Origin", b"http://evil.example")]
        request = Request(host="localhost", target="/live", extra_headers=origin)
        connection.send(client.send(request))
        self.assertTrue(connection.take().startswith(b"HTTP/1.1 403 "))

    def test_a_plain_request_gets_the_https_address(self) -> None:
        self.assertIn("/stream", self.ask("GET", "/live").json["message"])
        self.assertEqual(self.status, 400)


class PacketTests(SiteCase):
    """``/live?codec=h264``, of a camera that sends H.264 itself."""

    def setUp(self) -> None:
        super().setUp()
        self.packets = stream_packets(frames=9)
        for packet in self.packets[:5]:
            self.publish(packet)

    def publish(self, packet: Packet) -> None:
        self.clock.advance(0.04)
        self.door.stream.publish(packet)

    def open(self, target: str = "/live/door?codec=h264") -> None:
        self.client = WSConnection(ConnectionType.CLIENT)
        self.connection = self.connect()
        self.connection.send(self.client.send(Request(host="localhost", target=target)))

    def messages(self) -> list[Any]:
        self.client.receive_data(self.connection.take())
        return list(self.client.events())

    def received(self) -> list[Any]:
        """Descriptions as objects, packets as sequence number, flags and data."""
        found: list[Any] = []
        for each in self.messages():
            if isinstance(each, TextMessage):
                found.append(json.loads(each.data))
            elif isinstance(each, BytesMessage):
                seq, _, flags = struct.unpack_from("!QQB", each.data)
                found.append((seq, flags, bytes(each.data[17:])))
        return found

    def ack(self, seq: int) -> None:
        self.connection.send(self.client.send(TextMessage(json.dumps({"ack": seq}))))

    def test_it_begins_at_once_with_the_description_and_the_newest_key_frame(self) -> None:
        self.open()
        described, *packets = self.received()
        codec = H264.sequence_parameters(self.packets[0].data).codec_string
        self.assertEqual(
            described, {"codec": codec, "width": 128, "height": 96, "container": "annexb"}
        )
        self.assertEqual(packets, [(4, 1, self.packets[3].data), (5, 0, self.packets[4].data)])
        self.publish(self.packets[5])
        self.assertEqual(self.received(), [(6, 0, self.packets[5].data)])
        viewer = next(iter(self.server.viewers))
        self.assertEqual((viewer.kind, viewer.camera, viewer.frames), ("http", "door", 3))

    def test_a_viewer_that_acknowledges_late_continues_with_a_key_frame(self) -> None:
        self.open()
        self.received()
        self.clock.advance(0.5)
        for packet in self.packets[5:7]:
            self.publish(packet)
        self.assertEqual(self.received(), [])
        self.ack(5)
        self.assertEqual(self.received(), [(7, 1, self.packets[6].data)])
        self.publish(self.packets[7])
        self.assertEqual([seq for seq, *_ in self.received()], [8])

    def test_another_track_is_described_before_its_first_packet(self) -> None:
        self.open()
        self.received()
        for packet in stream_packets(frames=1, width=64, height=48):
            packet.seq, packet.time_us = 6, self.packets[4].time_us + 40_000
            self.publish(packet)
        described, (seq, flags, _) = self.received()
        self.assertEqual((described["width"], described["height"], seq, flags), (64, 48, 6, 1))

    def test_in_mp4_an_initialisation_segment_follows_the_description(self) -> None:
        self.open("/live/door?codec=h264&container=mp4")
        described, (_, flags, first), *packets = self.received()
        self.assertEqual((described["container"], flags, first[4:8]), ("mp4", 2, b"ftyp"))
        self.assertEqual([(seq, flags) for seq, flags, _ in packets], [(4, 1), (5, 0)])
        self.assertEqual({data[4:8] for *_, data in packets}, {b"moof"})
        self.assertEqual(packets[0][2], self.packets[3].shared(fragment))

    def test_without_a_codec_there_is_jpeg(self) -> None:
        for target in ("/live/yard", "/live/yard?codec=jpeg", "/live/yard?codec=mjpeg"):
            self.open(target)
            self.yard.stream.publish(Frame(1, 10**15, 640, 480, TINY_JPEG))
            (message,) = (e for e in self.messages() if isinstance(e, BytesMessage))
            self.assertEqual(message.data[16:], TINY_JPEG)
            self.yard.stream.clear()

    def test_what_is_not_known_is_refused(self) -> None:
        for query, status in (
            ("codec=vp9", 400),
            ("codec=", 400),
            ("codec=h264,vp9", 400),
            ("container=mp4", 400),
            ("codec=h264&container=webm", 400),
            ("codec=h264&fps=0", 400),
            ("codec=h264&size=big", 400),
            ("codec=h264&size=640x0", 400),
            ("size=640x360", 400),
            ("codec=h264&substream=yes", 400),
            ("kind=audio&substream=0", 400),
            ("codec=hevc", 409),
            ("codec=h264&substream=1", 409),
        ):
            connection = self.ask("GET", f"/live/door?{query}")
            self.assertEqual(self.status, status, query)
            self.assertTrue(connection.json["message"])

    def test_closing_leaves_nothing(self) -> None:
        self.open()
        self.connection.channel.connectionLost()
        self.assertEqual((len(self.server.viewers), len(self.door.stream.packets)), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_kicked_viewer_is_told_the_reason(self) -> None:
        self.open()
        self.messages()
        self.server.viewers.kick(next(iter(self.server.viewers)).id)
        (end,) = (each for each in self.messages() if isinstance(each, CloseConnection))
        self.assertEqual((end.code, end.reason), (1008, "ended by a controller"))
        self.assertEqual(len(self.door.stream.packets), 0)

    def test_video_that_cannot_be_described_ends_the_connection(self) -> None:
        self.open()
        self.messages()
        track = Track(VIDEO, "video", "h264", 640, 480)
        self.publish(Packet(track, 9, self.packets[4].time_us + 40_000, 0, b"\0\0\0\1\x65"))
        (end,) = (each for each in self.messages() if isinstance(each, CloseConnection))
        self.assertEqual(end.code, 1011)

    def test_one_that_comes_while_the_video_is_not_valid_is_told_and_leaves_nothing(
        self,
    ) -> None:
        told: list[Any] = []
        broken = Track(VIDEO, "video", "h264", 64, 48)
        self.publish(Packet(broken, 9, 9, 9, b"\0\0\1\x65x"))
        self.server.events.subscribe(told.append)
        self.open()
        (end,) = [each for each in self.messages() if isinstance(each, CloseConnection)]
        self.assertEqual(end.code, 1011)
        self.assertEqual([each.what for each in told if isinstance(each, ViewerChanged)], ["left"])
        self.connection.channel.connectionLost()
        self.assertEqual(len(self.server.viewers), 0)
        self.assertEqual(len(self.door.stream.packets), 0)


class HandshakeTests(SiteCase):
    def test_a_handshake_needs_get_over_http_1_1(self) -> None:
        upgrade = (
            b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
        )
        for first, more, status in (
            (b"GET /live HTTP/1.1", b"", b"101"),
            (b"GET /live HTTP/1.1", b"Transfer-Encoding: identity\r\n", b"101"),
            (b"GET /live HTTP/1.1", b"Connection: close\r\n", b"400"),
            (b"GET /live HTTP/1.1", b"X: \xff\r\n", b"101"),
            (b"GET /live HTTP/1.0", b"", b"400"),
            (b"HEAD /live HTTP/1.1", b"", b"400"),
            (b"GET /live HTTP/1.1", b"Sec-WebSocket-Version: \xff\r\n", b"400"),
            (b"GET /live HTTP/1.1", b"Transfer-Encoding: gzip\r\n", b"400"),
        ):
            data = first + b"\r\n" + upgrade + more + b"\r\n"
            self.assertEqual(self.answered(data), status, data)
        self.assertEqual(self.answered(b"GET /live HTTP/1.0\r\n\r\n"), b"400")
        # Data in the same packet reaches the WebSocket.
        self.assertEqual(self.answered(b"GET /live HTTP/1.1\r\n" + upgrade + b"\r\n\xff"), b"101")

    def test_the_bytes_of_a_websocket_message(self) -> None:
        for text, end in (
            ('{"ack": 1}'.ljust(websocket.MAX_MESSAGE), []),
            ('{"ack": 1}'.ljust(websocket.MAX_MESSAGE + 1), [1002]),
            ("[" * websocket.MAX_MESSAGE, [1002]),
        ):
            client = WSConnection(ConnectionType.CLIENT)
            connection = self.connect()
            connection.send(client.send(Request(host="localhost", target="/live/door")))
            client.receive_data(connection.take())
            list(client.events())
            connection.send(client.send(TextMessage(text)))
            client.receive_data(connection.take())
            found = [each.code for each in client.events() if isinstance(each, CloseConnection)]
            self.assertEqual(found, end, text[:20])

    def test_a_half_closed_websocket_is_closed(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/live/door", Upgrade="websocket", Connection="Upgrade",
                       Sec_WebSocket_Version="13", Sec_WebSocket_Key="AQIDBAUGBwgJCgsMDQ4PEA==",
                       )  # fmt: skip
        connection.channel.readConnectionLost()
        self.assertTrue(connection.transport.aborted)
        connection.channel.connectionLost()


class SoundTests(SiteCase):
    """``/live?kind=audio``."""

    def setUp(self) -> None:
        super().setUp()
        self.seq = 0
        self.door.stream.publish(Frame(2, 1_001_000_000, 640, 480, TINY_JPEG))
        self.sound(AAC)
        self.client = WSConnection(ConnectionType.CLIENT)
        self.connection = self.connect()
        target = "/live/door?kind=audio&codec=opus,aac"
        self.connection.send(self.client.send(Request(host="localhost", target=target)))

    def sound(self, track: Track, count: int = 1) -> None:
        for _ in range(count):
            self.seq += 1
            self.clock.advance(0.125)
            time_us = 1_001_000_000 + self.seq
            self.door.stream.publish(Packet(track, self.seq, time_us, 0, b"%d" % self.seq))

    def received(self) -> list[Any]:
        self.client.receive_data(self.connection.take())
        found: list[Any] = []
        for each in self.client.events():
            if isinstance(each, TextMessage):
                found.append(json.loads(each.data))
            elif isinstance(each, BytesMessage):
                data = bytes(each.data)
                found.append((*struct.unpack("!QQB", data[:17]), data[17:]))
            elif isinstance(each, CloseConnection):
                found.append(each.code)
        return found

    def ack(self, seq: int) -> None:
        self.connection.send(self.client.send(TextMessage(json.dumps({"ack": seq}))))

    def test_sound_is_described_for_webcodecs_and_then_sent(self) -> None:
        self.sound(AAC)
        self.sound(OPUS)
        described = {"sampleRate": 16000, "numberOfChannels": 1, "description": "FAg="}
        self.assertEqual(
            self.received(),
            [
                {"codec": "mp4a.40.2", **described},
                (2, 1_001_000_002, 0, b"2"),
                {"codec": "opus", "sampleRate": 48000, "numberOfChannels": 2},
                (3, 1_001_000_003, 0, b"3"),
            ],
        )
        self.assertEqual(len(self.door.stream.frames), 0)

    def test_a_listener_that_does_not_acknowledge_misses_sound_and_is_disconnected(self) -> None:
        self.received()
        self.sound(AAC, 20)
        came = self.received()
        self.assertEqual(len(came), 8)
        self.ack(came[-1][0])
        self.sound(AAC, 3)
        self.assertEqual([each[0] for each in self.received()], [22, 23, 24])
        self.clock.advance(ACK_TIMEOUT)
        self.sound(AAC)
        self.clock.advance(ACK_TIMEOUT)
        self.assertEqual(self.received()[-1], 1008)
        self.assertEqual((len(self.server.viewers), len(self.door.stream.sound)), (0, 0))

    def test_parameters_of_video_are_refused(self) -> None:
        for given, error in (
            ("audio&fps=5", "fps is for video"),
            ("audio&codec=mp3", "must be some of opus,aac,pcm"),
            ("sound", "kind=sound: must be audio or video"),
        ):
            self.assertIn(error, self.ask("GET", f"/live/door?kind={given}").json["message"])
            self.assertEqual(self.status, 400)
