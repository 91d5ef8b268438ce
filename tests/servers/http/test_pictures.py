"""Pictures over HTTP: streams, snapshots, and those who ask for one after the other."""

from __future__ import annotations

import gc
import io
import json

from PIL import Image

from tests.support.http_site import Connection, SiteCase
from twistedcam.camera.state_machine import IDLE
from twistedcam.events import CameraChanged
from twistedcam.media.frame import Frame
from twistedcam.publishing.target import parse_target
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.streams import mjpeg as stream
from twistedcam.servers.http.streams.placeholder import draw


def parts_of(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    """Headers and body of each part, read as a strict reader does: by Content-Length."""
    parts = []
    boundary = f"--{stream.BOUNDARY}\r\n".encode()
    while data.startswith(boundary) and len(data) > len(boundary):
        head, _, rest = data[len(boundary) :].partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        size = int(headers["Content-Length"])
        assert rest[size : size + 2] == b"\r\n"
        parts.append((headers, rest[:size]))
        data = rest[size + 2 :]
    assert data == boundary, data[:80]  # the last word is always a boundary: the part shows at once
    return parts


class StreamTests(SiteCase):
    def watch(self, path: str = "/stream/door") -> Connection:
        connection = self.connect()
        connection.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.answer = connection.take()
        return connection

    def test_each_frame_is_a_part_with_length_and_time_of_capture(self) -> None:
        connection = self.watch()
        head, _, body = self.answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertIn(b"multipart/x-mixed-replace; boundary=", head)
        self.assertNotIn(b"chunked", head)
        self.show(2, b"\xff\xd8second\xff\xd9")
        (first, one), (second, two) = parts_of(body + connection.take())
        self.assertEqual(first["Content-Type"], "image/jpeg")
        self.assertEqual(
            (first["X-Timestamp"], second["X-Timestamp"]), ("1001.000000", "1002.000000")
        )
        self.assertEqual((one, two), (b"\xff\xd8 jpeg \xff\xd9", b"\xff\xd8second\xff\xd9"))

    def test_http_1_0_and_the_old_spelling_get_the_same(self) -> None:
        connection = self.connect()
        connection.send(b"GET /?action=stream HTTP/1.0\r\n\r\n")
        self.assertIn(b"X-Timestamp: 1001.000000", connection.take())

    def test_fps_thins_the_stream(self) -> None:
        connection = self.watch("/stream?fps=0.5")
        for seq in range(2, 8):
            self.show(seq)
        times = [headers["X-Timestamp"][3] for headers, _ in self.parts(connection)]
        self.assertEqual(times, ["1", "3", "5", "7"])

    def parts(self, connection: Connection) -> list[tuple[dict[str, str], bytes]]:
        return parts_of(self.answer.partition(b"\r\n\r\n")[2] + connection.take())

    def test_a_viewer_who_cannot_take_more_gets_the_newest_later(self) -> None:
        connection = self.watch()
        connection.transport.producer.pauseProducing()
        self.show(2)
        self.show(3)
        self.assertEqual(connection.take(), b"")
        connection.transport.producer.resumeProducing()
        self.assertIn(b"X-Timestamp: 1003.0", connection.take())

    def test_while_the_camera_is_stopped_its_viewers_see_why_and_then_live_pictures(self) -> None:
        connection = self.watch("/stream/yard")
        ((headers, jpeg),) = self.parts(connection)
        self.assertEqual(headers["X-Twistedcam-State"], "stopped")
        self.assertEqual(Image.open(io.BytesIO(jpeg)).size, (640, 480))
        self.answer = b"\r\n\r\n" + f"--{stream.BOUNDARY}\r\n".encode()
        self.clock.advance(stream.PLACEHOLDER_PERIOD)
        self.assertEqual(len(self.parts(connection)), 1)
        self.yard.state = "live"
        self.clock.advance(5)
        self.assertEqual(connection.take(), b"")
        self.yard.hub.publish(Frame(1, 1_000_000, 640, 480, b"live"))
        live = connection.take()
        self.assertIn(b"live", live)
        self.assertNotIn(b"X-Twistedcam-State", live)

    def test_viewers_are_listed_counted_and_sent_away(self) -> None:
        connection = self.watch()
        (viewer,) = self.server.viewers
        self.assertEqual((viewer.kind, viewer.camera, viewer.frames), ("http", "door", 1))
        self.server.viewers.kick(viewer.id)
        self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(len(self.server.viewers), 0)

    def test_who_leaves_is_forgotten_and_nothing_goes_on(self) -> None:
        connection = self.watch("/stream/yard")
        connection.channel.connectionLost()
        self.assertEqual(len(self.server.viewers), 0)
        self.assertEqual(len(self.yard.hub), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_viewer_s_request_is_not_kept_while_it_watches(self) -> None:
        connection = self.watch()
        gc.collect()
        kept = [each for each in gc.get_objects() if type(each) is HttpRequest]
        self.assertEqual([each for each in kept if each.channel is connection.channel], [])
        self.show(2)
        self.assertIn(b"X-Timestamp: 1002.0", connection.take())

    def test_head_says_what_get_would_without_a_body(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("HEAD", "/stream"), 200)
        self.assertIn("multipart/x-mixed-replace", connection.head)
        self.assertEqual((connection.body, len(self.server.viewers)), (b"", 0))

    def test_what_there_is_not_is_an_error_with_a_code(self) -> None:
        self.assertEqual(self.ask("GET", "/stream/attic").json["code"], "no-such-camera")
        self.assertEqual(self.status, 404)
        for fps in ("0", "-1", "nan", "many", "1e9"):
            self.assertEqual(self.ask("GET", f"/stream?fps={fps}").json["code"], "bad-argument")

    def test_when_the_server_ends_its_viewers_do(self) -> None:
        connection = self.watch()
        gone: list[None] = []
        self.factory.close().addCallback(gone.append)
        self.assertTrue(connection.transport.disconnecting)
        connection.channel.connectionLost()
        self.assertEqual(gone, [None])


class SnapshotTests(SiteCase):
    def test_the_newest_picture_is_not_kept_by_anybody(self) -> None:
        self.show(2, b"\xff\xd8two\xff\xd9")
        for path in ("/snapshot", "/snapshot/door", "/?action=snapshot", "/?action=snapshot&n=9"):
            answer = self.ask("GET", path)
            self.assertEqual((self.status, answer.body), (200, b"\xff\xd8two\xff\xd9"))
            self.assertIn("Cache-Control: no-store", answer.head)
            self.assertIn("X-Timestamp: 1002.000000", answer.head)

    def test_without_a_picture_the_reason_is_said(self) -> None:
        answer = self.ask("GET", "/snapshot/yard")
        self.assertEqual((self.status, answer.json["code"]), (503, "camera-failed"))
        self.assertIn("stopped", answer.json["message"])
        self.assertIn("Retry-After: 2", answer.head)

    def test_after_waits_for_a_newer_one(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=1"), 0)
        self.show(2)
        self.assertIn(b"X-Sequence: 2", connection.take())
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=1"), 200)
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=2"), 0)
        self.clock.advance(5)
        self.assertIn(b"204 No Content", connection.take())
        self.assertEqual(len(self.door.hub), 0)
        self.assertEqual(connection.ask("GET", "/snapshot/door?after=-1"), 400)

    def test_who_pulls_is_a_viewer_until_it_stops(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/snapshot/door?after=0&viewer=x")
        self.show(5)
        connection.ask("GET", "/snapshot/door?after=1&viewer=x")
        (viewer,) = self.server.viewers
        self.assertEqual((viewer.path, viewer.frames, viewer.drops), ("pull", 2, 3))
        self.clock.advance(6)
        self.assertEqual(len(self.server.viewers), 0)

    def test_who_pulls_can_be_sent_away(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/snapshot/door?viewer=x")
        self.server.viewers.kick(next(iter(self.server.viewers)).id)
        self.assertEqual(connection.ask("GET", "/snapshot/door?viewer=x"), 403)
        self.assertEqual(len(self.server.viewers), 0)
        self.clock.advance(6)
        self.assertEqual(connection.ask("GET", "/snapshot/door?viewer=x"), 200)
        self.clock.advance(6)


class StateTests(SiteCase):
    def test_state_has_the_keys_that_clients_of_ustreamer_read(self) -> None:
        result = self.ask("GET", "/state").json["result"]
        self.assertEqual(set(result["source"]["resolution"]), {"width", "height"})
        self.assertTrue(result["source"]["online"])
        self.assertLessEqual({"desired_fps", "captured_fps"}, set(result["source"]))
        self.assertEqual(set(result["encoder"]), {"type", "quality"})
        self.assertLessEqual({"queued_fps", "clients", "clients_stat"}, set(result["stream"]))
        self.assertFalse(self.ask("GET", "/state?camera=yard").json["result"]["source"]["online"])

    def test_health_is_that_of_the_cameras_that_were_started(self) -> None:
        self.assertTrue(self.ask("GET", "/healthz").json["ok"])
        self.yard.state, self.yard.reason = "recovering", "it was unplugged"
        answer = self.ask("GET", "/healthz")
        self.assertEqual(self.status, 503)
        self.assertIn("yard: it was unplugged", answer.json["message"])

    def test_an_idle_camera_is_well_and_counted_as_stopped(self) -> None:
        self.yard.set_state("stopped", IDLE, is_idle=True)
        self.assertTrue(self.ask("GET", "/healthz").json["ok"])
        text = self.ask("GET", "/metrics").body.decode()
        self.assertIn('twistedcam_camera_state{camera="yard",state="stopped"} 1.0', text)
        self.assertNotIn('state="idle"', text)

    def test_metrics_count_what_went_out_to_those_who_have_left_too(self) -> None:
        connection = self.connect()
        connection.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.show(2)
        connection.channel.connectionLost()
        text = self.ask("GET", "/metrics").body.decode()
        self.assertIn('twistedcam_frames_sent_total{camera="door",kind="http"} 2.0', text)
        self.assertIn('twistedcam_viewers{camera="door",kind="http"} 0.0', text)
        self.assertIn('twistedcam_delivery_age_seconds_count{camera="door",kind="http"} 2', text)
        self.assertIn('twistedcam_camera_state{camera="yard",state="stopped"} 1.0', text)

    def test_metrics_count_what_is_published(self) -> None:
        target = parse_target("rtmp://example.org/live/KEY")
        self.server.outputs.add(self.door, self.server.recorders["door"], [target])
        text = self.ask("GET", "/metrics").body.decode()
        for name in ("publish_up", "published_bytes_total", "publish_faults_total"):
            self.assertIn(f'twistedcam_{name}{{camera="door",target="rtmp"}} 0.0', text)
        self.assertNotIn("KEY", text)


def test_a_placeholder_has_the_streams_size_and_bears_any_reason() -> None:
    for size in ((160, 120), (1920, 1080), (64, 16)):
        jpeg = draw("door", "recovering", "very " * 60 + "long", *size)
        assert Image.open(io.BytesIO(jpeg)).size == size
    assert draw("door", "stopped", "", 320, 240) != draw("door", "starting", "", 320, 240)


class EventTests(SiteCase):
    def test_events_are_told_as_they_happen(self) -> None:
        connection = self.connect()
        connection.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"Content-Type: text/event-stream", connection.take())
        self.server.events.publish(CameraChanged("yard", "starting"))
        kind, data, *_ = connection.take().decode().split("\n")
        self.assertEqual(kind, "event: state")
        told = json.loads(data.removeprefix("data: "))
        self.assertEqual((told["camera"], told["state"]), ("yard", "starting"))

    def test_one_cameras_events_alone(self) -> None:
        connection = self.connect()
        connection.send(b"GET /events?camera=door HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.take()
        self.server.events.publish(CameraChanged("yard", "starting"))
        self.assertEqual(connection.take(), b"")
        self.assertEqual(self.ask("GET", "/events?camera=attic").json["code"], "no-such-camera")

    def test_figures_come_at_once_then_every_second_and_soon_after_a_change(self) -> None:
        self.figures.startService()
        self.addCleanup(self.figures.stopService)
        connection = self.connect()
        connection.send(b"GET /events?figures=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = connection.take()
        self.assertIn(b"event: history", first)
        self.assertIn(b"event: figures", first)
        self.clock.advance(1)
        self.assertEqual(connection.take().count(b"event: figures"), 1)
        self.server.events.publish(CameraChanged("yard", "starting"))
        self.clock.advance(0.05)
        self.assertEqual(connection.take().count(b"event: figures"), 1)

    def test_who_does_not_read_is_dropped_and_not_buffered_for(self) -> None:
        connection = self.connect()
        connection.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.transport.producer.pauseProducing()
        for number in range(5000):
            self.server.events.publish(CameraChanged("yard", "recovering", f"reason {number}"))
        self.assertTrue(connection.transport.aborted)
        self.assertLess(len(connection.take()), 300_000)
