"""Tests of MJPEG streams."""

from __future__ import annotations

import gc
import io

from PIL import Image

from tests.support.http_site import Connection, SiteCase
from twistedcam.media.frame import Frame
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.streams import mjpeg as stream


def parts_of(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    """Return headers and body of each part, as a strict reader that uses Content-Length."""
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

    def test_http_1_0_and_the_address_of_mjpg_streamer_work(self) -> None:
        connection = self.connect()
        connection.send(b"GET /?action=stream HTTP/1.0\r\n\r\n")
        self.assertIn(b"X-Timestamp: 1001.000000", connection.take())

    def test_fps_limits_the_frame_rate(self) -> None:
        connection = self.watch("/stream?fps=0.5")
        for seq in range(2, 8):
            self.show(seq)
        times = [headers["X-Timestamp"][3] for headers, _ in self.parts(connection)]
        self.assertEqual(times, ["1", "3", "5", "7"])

    def parts(self, connection: Connection) -> list[tuple[dict[str, str], bytes]]:
        return parts_of(self.answer.partition(b"\r\n\r\n")[2] + connection.take())

    def test_a_slow_viewer_gets_the_newest_frame_later(self) -> None:
        connection = self.watch()
        connection.transport.producer.pauseProducing()
        self.show(2)
        self.show(3)
        self.assertEqual(connection.take(), b"")
        connection.transport.producer.resumeProducing()
        self.assertIn(b"X-Timestamp: 1003.0", connection.take())

    def test_viewers_of_a_stopped_camera_get_placeholders_and_then_frames(self) -> None:
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

    def test_a_camera_that_starts_at_once_shows_no_placeholder(self) -> None:
        self.yard.state = "starting"
        quick = self.watch("/stream/yard")
        self.assertEqual(self.parts(quick), [])
        self.clock.advance(stream.START_DELAY / 2)
        self.yard.state = "live"
        self.yard.hub.publish(Frame(1, 1_000_000, 640, 480, b"live"))
        self.assertIn(b"live", quick.take())
        self.yard.state = "starting"
        slow = self.watch("/stream/yard")
        slow.take()
        self.clock.advance(stream.START_DELAY)
        self.assertIn(b"X-Twistedcam-State: starting", slow.take())

    def test_viewers_are_listed_counted_and_kicked(self) -> None:
        connection = self.watch()
        (viewer,) = self.server.viewers
        self.assertEqual((viewer.kind, viewer.camera, viewer.frames), ("http", "door", 1))
        self.server.viewers.kick(viewer.id)
        self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(len(self.server.viewers), 0)

    def test_a_viewer_that_leaves_leaves_nothing(self) -> None:
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

    def test_head_has_the_headers_of_get(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("HEAD", "/stream"), 200)
        self.assertIn("multipart/x-mixed-replace", connection.head)
        self.assertEqual((connection.body, len(self.server.viewers)), (b"", 0))

    def test_unknown_cameras_and_invalid_fps_are_refused(self) -> None:
        self.assertEqual(self.ask("GET", "/stream/attic").json["code"], "no-such-camera")
        self.assertEqual(self.status, 404)
        for fps in ("0", "-1", "nan", "many", "1e9"):
            self.assertEqual(self.ask("GET", f"/stream?fps={fps}").json["code"], "bad-argument")

    def test_closing_the_server_closes_its_viewers(self) -> None:
        connection = self.watch()
        gone: list[None] = []
        self.factory.close().addCallback(gone.append)
        self.assertTrue(connection.transport.disconnecting)
        connection.channel.connectionLost()
        self.assertEqual(gone, [None])
