"""Live MP4 over HTTP."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.support.fakes import OpeningMicrophone
from tests.support.http_site import Connection, SiteCase
from tests.support.nal_streams import stream_packets
from twistedcam.codecs.audio_encoder import made_track
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.events import CameraChanged
from twistedcam.media.mp4_fragment import fragment, init_segment
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track
from twistedcam.servers.http.streams.video import CLOSE_TIMEOUT, FIRST_WAIT
from twistedcam.sources.spec import SourceSpec

OPUS_HEAD = b"OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0"


class VideoTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.packets = stream_packets(frames=9)

    def publish(self, *packets: Packet) -> None:
        for packet in packets:
            self.clock.advance(0.04)
            self.door.stream.publish(packet)

    def watch(self, path: str = "/video/door", method: str = "GET") -> Connection:
        connection = self.connect()
        connection.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.head, _, self.body = connection.take().partition(b"\r\n\r\n")
        return connection

    def test_it_begins_at_once_with_the_newest_key_frame(self) -> None:
        self.publish(*self.packets[:5])
        connection = self.watch()
        self.assertTrue(self.head.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertIn(b"\r\nContent-Type: video/mp4\r\n", self.head)
        self.assertNotIn(b"Content-Length", self.head)
        self.publish(*self.packets[5:7])
        film = self.body + connection.take()
        expected = init_segment([self.packets[0].track])
        self.assertEqual(film, expected + b"".join(map(fragment, self.packets[3:7])))
        with av.open(io.BytesIO(film), format="mp4") as container:
            self.assertEqual(len(list(container.decode(video=0))), 4)

    def test_the_response_begins_when_the_camera_has_its_first_picture(self) -> None:
        connection = self.watch()
        self.assertEqual(self.head, b"")
        self.publish(*self.packets[:2])
        head, _, film = connection.take().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200"))
        self.assertEqual(film.count(b"moof"), 2)

    def test_without_a_picture_there_is_an_error_with_the_reason(self) -> None:
        connection = self.watch()
        self.door.state, self.door.reason = "recovering", "it is unplugged"
        self.clock.advance(FIRST_WAIT)
        answer = connection.take()
        self.assertTrue(answer.startswith(b"HTTP/1.1 503"))
        self.assertIn(b"it is recovering: it is unplugged", answer)
        stopped = self.ask("GET", "/video/yard")
        self.assertEqual((self.status, stopped.json["code"]), (503, "camera-failed"))

    def test_a_client_that_leaves_while_it_waits_leaves_nothing(self) -> None:
        connection = self.watch()
        connection.channel.connectionLost()
        self.assertEqual(len(self.server.viewers), 0)
        self.assertFalse(self.door.stream.is_wanted)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_smaller_stream_is_opened_for_its_viewers_and_ends_with_the_camera(self) -> None:
        refused = self.ask("GET", "/video/yard?substream=1")
        self.assertEqual((self.status, refused.json["code"]), (409, "not-supported"))
        self.ask("GET", "/video/yard?substream=2")
        self.assertEqual(self.status, 400)
        small = VideoSettings(substream=SourceSpec("fake", "small", {}, "fake:small"))
        self.server.channels["yard"].use_video(small)
        self.yard.start()
        connection = self.watch("/video/yard?substream=1")
        substream = self.server.channels["yard"].substream
        assert substream is not None
        for each in self.packets[:2]:
            substream.own.stream.publish(each)
        self.assertEqual(connection.take().count(b"moof"), 2)
        self.assertEqual([each.camera for each in self.server.viewers], ["yard"])
        self.yard.stop()
        self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(len(self.server.viewers), 0)

    def test_a_viewer_is_listed_and_can_be_ended(self) -> None:
        self.publish(*self.packets[:2])
        connection = self.watch("/video")
        (viewer,) = self.server.viewers
        self.assertEqual((viewer.kind, viewer.camera, viewer.frames), ("http", "door", 2))
        self.server.viewers.kick(viewer.id)
        self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(len(self.server.viewers), 0)
        self.assertFalse(self.door.stream.is_wanted)
        self.clock.advance(CLOSE_TIMEOUT)
        self.assertTrue(connection.transport.aborted)

    def test_closing_leaves_nothing(self) -> None:
        self.publish(*self.packets[:2])
        connection = self.watch()
        connection.channel.connectionLost()
        self.assertEqual((len(self.server.viewers), self.door.stream.is_wanted), (0, False))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_ends_cleanly_where_the_format_changes(self) -> None:
        self.publish(*self.packets[:2])
        connection = self.watch()
        (other,) = stream_packets(frames=1, width=64, height=48)
        other.seq, other.time_us = 3, self.packets[2].time_us
        self.publish(other)
        self.assertTrue(connection.transport.disconnecting)
        film = self.body + connection.take()
        self.assertEqual(film.count(b"ftyp"), 1)
        self.assertTrue(film.endswith(fragment(self.packets[1])))

    def test_it_goes_on_after_a_failure_and_ends_when_the_camera_is_stopped(self) -> None:
        self.publish(*self.packets[:2])
        connection = self.watch()
        self.change("recovering")
        self.door.stream.clear()
        self.assertFalse(connection.transport.disconnecting)
        self.change("live")
        connection.take()
        self.publish(*self.packets[3:5])
        self.assertEqual(connection.take(), b"".join(map(fragment, self.packets[3:5])))
        self.change("stopped")
        self.assertTrue(connection.transport.disconnecting)

    def change(self, state: Any) -> None:
        self.door.state = state
        self.server.events.publish(CameraChanged("door", state, None, None))

    def test_sound_is_a_second_track(self) -> None:
        self.publish(*self.packets[:2])
        track = Track(AUDIO, "audio", "opus", 0, 0, Fraction(48_000), 1, OPUS_HEAD)
        begin = self.packets[0].time_us
        sound = [Packet(track, n + 1, begin + n * 20_000, 0, b"\xf8\xff\xfe") for n in range(9)]
        self.publish(*sound[:4])
        connection = self.watch()
        self.assertTrue(self.body.startswith(init_segment([self.packets[0].track, track])))
        self.assertEqual(self.body.count(b"\xf8\xff\xfe"), 4, "that of the pictures so far")
        self.publish(sound[5], self.packets[2], sound[6])
        film = self.body + connection.take()
        self.assertEqual(film.count(b"\xf8\xff\xfe"), 6)
        # Players need films with sound to begin at 0: the first key frame, then the others.
        times = [int.from_bytes(each[4:12], "big") for each in film.split(b"tfdt")[1:]]
        self.assertEqual(times[0], 0)
        self.assertLess(max(times), 1_000_000)
        connection.transport.producer.pauseProducing()  # a viewer that does not read
        for _ in range(200):
            self.clock.advance(0.02)
            self.door.stream.sound.publish(sound[7])
        self.assertLess(connection.take().count(b"\xf8\xff\xfe"), 60)

    def test_a_film_with_sound_begins_with_the_picture_that_is_sent_first(self) -> None:
        """A busy connection gets the next key frame, and no sound from before it."""
        senders: list[Any] = []
        make = self.server.delivery.make_sender

        def make_busy(*arguments: Any) -> Any:
            senders.append(make(*arguments))
            senders[-1].pauseProducing()
            return senders[-1]

        self.patch(self.server.delivery, "make_sender", make_busy)
        track = Track(AUDIO, "audio", "opus", 0, 0, Fraction(48_000), 1, OPUS_HEAD)
        begin = self.packets[0].time_us
        sound = [
            Packet(track, n + 1, begin + n * 20_000, 0, b"\xf8\xff" + bytes([n])) for n in range(14)
        ]
        for number in range(2):
            self.publish(self.packets[number], *sound[2 * number : 2 * number + 2])
        connection = self.watch()
        for number in range(2, 5):  # the fourth is a key frame
            self.publish(self.packets[number], *sound[2 * number : 2 * number + 2])
        self.assertNotIn(b"moof", self.body + connection.take())
        senders[0].resumeProducing()
        self.publish(self.packets[5], *sound[10:12])
        film = connection.take()
        times = [int.from_bytes(each[4:12], "big") for each in film.split(b"tfdt")[1:]]
        self.assertEqual(times[:2], [0, 0], "the key frame and its sound")
        self.assertEqual(max(times), 100_000)
        heard = [each[2] for each in film.split(b"mdat")[1:] if each.startswith(b"\xf8\xff")]
        self.assertEqual(heard, list(range(6, 12)))

    def test_a_microphone_that_is_being_opened_is_waited_for(self) -> None:
        self.door.audio._microphone = OpeningMicrophone()  # type: ignore[assignment]
        self.publish(*self.packets[:2])
        connection = self.watch()
        self.assertEqual(self.head, b"")
        gone = self.watch()
        gone.channel.connectionLost(Failure(ConnectionDone()))
        track = Track(AUDIO, "audio", "opus", 0, 0, Fraction(48_000), 1, OPUS_HEAD)
        self.publish(Packet(track, 1, self.packets[1].time_us, 0, b"\xf8\xff\xfe"))
        self.door.audio.on_microphone_state()
        film = connection.take().partition(b"\r\n\r\n")[2]
        self.assertTrue(film.startswith(init_segment([self.packets[0].track, track])))
        self.assertEqual(len(self.server.viewers), 1)

    def test_sound_that_mp4_cannot_contain_becomes_aac(self) -> None:
        self.publish(*self.packets[:2])
        track = Track(AUDIO, "audio", "pcm_alaw", 0, 0, Fraction(8_000), 1)
        self.publish(Packet(track, 1, self.packets[1].time_us, 0, b"x" * 160))
        self.watch()
        tracks = [self.packets[0].track, made_track("aac", track)]
        self.assertTrue(self.body.startswith(init_segment(tracks)))

    def test_head_names_the_type(self) -> None:
        self.watch(method="HEAD")
        self.assertIn(b"Content-Type: video/mp4", self.head)
        self.assertEqual((self.body, len(self.server.viewers)), (b"", 0))

    def test_what_is_not_known_is_refused(self) -> None:
        self.publish(*self.packets[:2])
        for query, status in (("codec=vp9", 400), ("codec=jpeg", 400), ("codec=hevc", 409)):
            connection = self.ask("GET", f"/video/door?{query}")
            self.assertEqual(self.status, status)
            self.assertTrue(connection.json["message"])
        self.assertEqual(self.ask("GET", "/video/nowhere").json["code"], "no-such-camera")
