"""Cameras and camera programs as they are sold: each picture comes, at once, on one connection."""

from __future__ import annotations

import gzip
import io
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from tests.support.http_camera import (
    PICTURES,
    HttpCamera,
    Request,
    chunk,
    head,
    opened,
    read,
    whole,
)
from tests.support.process import PATIENCE
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import CameraFailed
from twistedcam.sources import http as web

MIXED = "Content-Type: multipart/x-mixed-replace"


@dataclass
class Stream:
    """How a camera writes its stream."""

    head: bytes
    #: What stands before a picture, with its length for ``%d``, and behind it.
    before: bytes
    after: bytes
    #: What stands before the first picture alone.
    first: bytes = b""
    is_chunked: bool = False

    def pieces(self, jpeg: bytes) -> tuple[bytes, bytes]:
        """The picture with what is before it, and what is behind it."""
        before = self.before
        for off in (-4, -1, 2, 5, 0):
            before = before.replace(b"%%(%+d)" % off, b"%d" % (len(jpeg) + off))
        return before + jpeg, self.after


CAMERAS = {
    "Axis": Stream(
        head("Cache-Control: no-cache", f"{MIXED}; boundary=--myboundary", version="HTTP/1.0"),
        b"--myboundary\r\nContent-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n",
    ),
    "Hikvision": Stream(
        head("Connection: close", f"{MIXED}; boundary=boundarySample"),
        b'--boundarySample\r\nContent-Type: image/jpeg; charset="UTF-8"\r\n'
        b"Content-Length: %(+0)\r\n\r\n",
        b"\r\n",
    ),
    "Dahua, Amcrest": Stream(
        head("Server: Boa/0.94.13", f"{MIXED}; boundary=myboundary"),
        b"--myboundary\r\nContent-Type:image/jpeg\r\nContent-Length:%(+0)\r\n\r\n",
        b"\r\n",
    ),
    "Foscam": Stream(
        head("Server: Netwave IP Camera", f"{MIXED};boundary=ipcamera"),
        b"--ipcamera\r\nContent-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n",
    ),
    "ESP32-CAM": Stream(
        head(f"{MIXED};boundary=123456789000000000000987654321", "Transfer-Encoding: chunked"),
        b"Content-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n--123456789000000000000987654321\r\n",
        is_chunked=True,
    ),
    "ESP32-CAM, newer": Stream(
        head(f"{MIXED};boundary=123456789000000000000987654321", "Transfer-Encoding: chunked"),
        b"\r\n--123456789000000000000987654321\r\nContent-Type: image/jpeg\r\n"
        b"Content-Length: %(+0)\r\nX-Timestamp: 12.000345\r\n\r\n",
        b"",
        is_chunked=True,
    ),
    "ESP8266 sketch": Stream(
        head(f"{MIXED}; boundary=frame", version="HTTP/1.1"),
        b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
        b"\r\n",
    ),
    "mjpg-streamer": Stream(
        head(
            "Server: MJPG-Streamer/0.2", f"{MIXED};boundary=boundarydonotcross", version="HTTP/1.0"
        ),
        b"Content-Type: image/jpeg\r\nContent-Length: %(+0)\r\nX-Timestamp: 1.000000\r\n\r\n",
        b"\r\n--boundarydonotcross\r\n",
        first=b"\r\n--boundarydonotcross\r\n",
    ),
    "Motion": Stream(
        head("Server: Motion/4.1", f"{MIXED}; boundary=BoundaryString", version="HTTP/1.0"),
        b"--BoundaryString\r\nContent-type: image/jpeg\r\nContent-Length:    %(+0)\r\n\r\n",
        b"\r\n",
    ),
    "OctoPrint, µStreamer": Stream(
        head("Connection: keep-alive", f"{MIXED};boundary=boundarydonotcross", version="HTTP/1.0"),
        b"Content-Type: image/jpeg\r\nContent-Length: %(+0)\r\nX-Timestamp: 1.5\r\n\r\n",
        b"\r\n--boundarydonotcross\r\n",
        first=b"--boundarydonotcross\r\n",
    ),
    "IP Webcam for Android": Stream(
        head(f"{MIXED};boundary=Ba4oTvQMY8ew04N8dcnM", version="HTTP/1.0"),
        b"--Ba4oTvQMY8ew04N8dcnM\r\nContent-Type: image/jpeg\r\n\r\n",
        b"\r\n",
        first=b"\r\n",
    ),
    "D-Link": Stream(
        head(f"{MIXED};boundary=--video boundary--", version="HTTP/1.0"),
        b"--video boundary--\r\nContent-length: %(+0)\r\nDate: 01-01-2010 00:00:00 AM\r\n"
        b"Content-type: image/jpeg\r\n\r\n",
        b"\r\n",
    ),
    "TP-Link": Stream(
        head(f"{MIXED};boundary=simple boundary", version="HTTP/1.0"),
        b"--simple boundary\r\nContent-Type: image/jpeg\r\nContent-Length: %(+2)\r\n\r\n",
        b"\r\n",
    ),
    "Panasonic": Stream(
        b"HTTP/1.0 200 OK\nContent-type: multipart/x-mixed-replace;boundary=--myboundary\n\n",
        b"--myboundary\nContent-type: image/jpeg\nContent-length: %(+0)\n\n",
        b"\n",
    ),
    "Vivotek": Stream(
        head(f'{MIXED}; boundary = "video_boundary"'),
        b"--video_boundary\r\nContent-Type: image/jpeg\r\nContent-Length: %(-1)\r\n\r\n",
        b"\r\n\r\n",
    ),
    "Mobotix": Stream(
        head(f'{MIXED}; boundary="MOBOTIX_Fast_Serverpush"', version="HTTP/1.0"),
        b"--MOBOTIX_Fast_Serverpush\r\nContent-Type: image/jpeg\r\n\r\n",
        b"\r\n",
    ),
    "Sony": Stream(
        head(f"{MIXED};boundary=snc_boundary", version="HTTP/1.0"),
        b"--snc_boundary\r\nContent-Type: image/jpeg\r\n\r\n",
        b"",
    ),
    "Trendnet": Stream(
        head("Content-Length: 0", f"{MIXED};boundary=myboundary"),
        b"--myboundary\r\nContent-Type: image/jpeg\r\nContent-Length: %(-4)\r\n\r\n",
        b"\r\n",
    ),
    "Linksys": Stream(
        head("Content-Length: 9999999", f"{MIXED};boundary=xyz", version="HTTP/1.0"),
        b"--ThisIsAnotherOne\r\nContent-Type: image/jpeg\r\nContent-Length: %(+5)\r\n\r\n",
        b"\r\n",
    ),
    "go2rtc": Stream(
        head(f"{MIXED}; boundary=frame", "Transfer-Encoding: chunked"),
        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n",
        is_chunked=True,
    ),
    "ZoneMinder": Stream(
        head(f"{MIXED}; boundary=ZoneMinderFrame"),
        b"--ZoneMinderFrame\r\nContent-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n\r\n",
    ),
    "Flask": Stream(
        head(f"{MIXED}; boundary=frame", version="HTTP/1.0"),
        b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
        b"\r\n",
    ),
    "no boundary in the header": Stream(
        head(MIXED), b"--x\r\nContent-Type: image/jpeg\r\n\r\n", b"\r\n"
    ),
    "a type that hides it": Stream(
        head("Content-Type: application/octet-stream"),
        b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
        b"\r\n",
    ),
    "no type": Stream(head("Server: x"), b"\r\n--frame\r\nContent-Length: %(+0)\r\n\r\n", b"\r\n"),
    "JPEGs alone": Stream(head("Content-Type: video/x-motion-jpeg"), b"", b""),
    "JPEGs alone, as a picture": Stream(head("Content-Type: image/jpeg"), b"", b""),
    "GStreamer, without any head": Stream(
        b"",
        b"--ThisRandomString\r\nContent-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n",
    ),
    "ICY": Stream(
        b"ICY 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=a\r\n\r\n",
        b"--a\r\nContent-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n",
    ),
    "chunks that are none": Stream(
        head(f"{MIXED}; boundary=frame", "Transfer-Encoding: chunked"),
        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %(+0)\r\n\r\n",
        b"\r\n",
    ),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_each_picture_of_a_stream_comes_as_soon_as_it_is_sent(name: str) -> None:
    stream, due = CAMERAS[name], threading.Semaphore(0)
    both = name.startswith("JPEGs alone, as")  # it is a stream if more comes at once

    def answer(_: Request) -> Iterator[bytes]:
        wrap: Callable[[bytes], bytes] = chunk if stream.is_chunked else bytes
        yield stream.head + (wrap(stream.first) if stream.first else b"")
        behind = b""
        for number, jpeg in enumerate(PICTURES):
            if not (both and number == 1):
                due.acquire(timeout=PATIENCE)
            before, after = stream.pieces(jpeg)
            for piece in (behind + before[:5000], before[5000:]):
                yield wrap(piece)
            behind = after
        due.acquire(timeout=PATIENCE)

    with HttpCamera(answer) as camera:
        due.release()
        with opened(f"{camera.url('/stream')}") as source:
            for jpeg in PICTURES:
                grab = read(source)
                assert grab.jpeg == jpeg
                assert abs(grab.time - time.time()) < PATIENCE
                due.release()
        assert camera.connections == 1
        due.release()


def image(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), (200, 100, 50), np.uint8)).save(file, kind, **options)
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims this size."""
    made = image("PNG")
    header = made[12:16] + struct.pack(">II", width, height) + made[24:29]
    return made[:12] + header + struct.pack(">I", zlib.crc32(header)) + made[33:]


SNAPSHOTS: dict[str, bytes] = {
    "Reolink": whole(PICTURES[0]),
    "Dahua": whole(PICTURES[0], kind="image/jpg"),
    "Wyze bridge": head("Content-Type: image/jpeg", "Transfer-Encoding: chunked")
    + chunk(PICTURES[0][:9000])
    + chunk(PICTURES[0][9000:])
    + b"0\r\n\r\n",
    "octet-stream": whole(PICTURES[0], kind="application/octet-stream"),
    "text": whole(PICTURES[0], kind="text/html; charset=utf-8"),
    "no type": head(f"Content-Length: {len(PICTURES[0])}") + PICTURES[0],
    "closes": whole(PICTURES[0], "Connection: close"),
    "closes, no length": head("Content-Type: image/jpeg", "Connection: close") + PICTURES[0],
    "HTTP/1.0": head("Content-Type: image/jpeg", version="HTTP/1.0") + PICTURES[0],
    "HTTP/1.0, octet-stream": head("Content-Type: x/y", version="HTTP/1.0") + PICTURES[0],
    "HTTP/0.9": PICTURES[0],
    "a length too long": head(
        "Content-Type: image/jpeg", f"Content-Length: {len(PICTURES[0]) + 2}", version="HTTP/1.0"
    )
    + PICTURES[0],
    "a length too short": head(
        "Content-Type: image/jpeg", f"Content-Length: {len(PICTURES[0]) - 7}", "Connection: close"
    )
    + PICTURES[0],
    "gzip": whole(gzip.compress(PICTURES[0]), "Content-Encoding: gzip"),
}
KEPT = ("Reolink", "Dahua", "Wyze bridge", "octet-stream", "text", "no type", "gzip")


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot_is_judged_by_its_bytes(name: str) -> None:
    with HttpCamera(lambda _: [SNAPSHOTS[name]]) as camera:
        with opened(f"{camera.url('/snapshot')}#fps=50") as source:
            assert [read(source).jpeg for _ in range(3)] == [PICTURES[0]] * 3
        assert len(camera.requests) == 3
        assert camera.connections == (1 if name in KEPT else 3)


@pytest.mark.parametrize("missing", [1, 2, 7, 9000])
def test_snapshots_with_too_small_lengths_on_a_connection_that_is_kept(missing: int) -> None:
    jpeg = PICTURES[0]
    length = f"Content-Length: {len(jpeg) - missing}"
    answer = head("Content-Type: image/jpeg", length) + jpeg
    with (
        HttpCamera(lambda _: [answer]) as camera,
        opened(f"{camera.url()}#fps=50") as source,
    ):
        assert read(source).jpeg == jpeg[:-missing]
        assert [read(source).jpeg for _ in range(3)] == [jpeg] * 3
        assert len(camera.requests) == 4


def test_cut_snapshots_with_right_lengths_cost_no_connection_each() -> None:
    cut = PICTURES[0][:-9000]
    with (
        HttpCamera(lambda _: [whole(cut)]) as camera,
        opened(f"{camera.url()}#fps=50") as source,
    ):
        assert [read(source).jpeg for _ in range(6)] == [cut] * 6
        assert camera.connections == 3  # the lengths are judged by the second one


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("said", ["image/jpeg", "application/octet-stream", "text/plain"])
def test_other_formats_are_pictures_too(kind: str, said: str) -> None:
    body = image(kind, lossless=True) if kind == "WEBP" else image(kind)
    with (
        HttpCamera(lambda _: [whole(body, kind=said)]) as camera,
        opened(f"{camera.url()}#fps=50") as source,
    ):
        for _ in range(2):
            grab = read(source)
            assert grab.image is not None and grab.image.shape == (48, 64, 3)
            assert np.abs(grab.image[5, 5].astype(int) - (50, 100, 200)).max() <= 3
            assert JpegEncoder().finish(grab).width == 64


def test_pictures_of_other_formats_in_a_stream_are_shown() -> None:
    png = image("PNG")
    part = b"--frame\r\nContent-Type: image/png\r\n\r\n%b\r\n--frame\r\n\r\n%b\r\n" % (
        png,
        PICTURES[0],
    )
    with (
        HttpCamera(lambda _: [head(f"{MIXED};boundary=frame"), part]) as camera,
        opened(camera.url()) as source,
    ):
        grab = read(source)
        assert grab.image is not None and grab.image.shape == (48, 64, 3)
        assert read(source).jpeg == PICTURES[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty picture"),
        (b"no picture at all", "no picture of a known format"),
        (image("PNG")[:60], "cannot be decoded"),
        (png_of(20000, 20000), "can have 100,000,000 pixels|exceeds limit"),
        (png_of(9999, 10002), "can have 100,000,000 pixels|exceeds limit"),
    ],
)
def test_what_is_no_picture_is_counted_and_the_next_one_is_taken(body: bytes, words: str) -> None:
    answers = iter([whole(image("PNG")), whole(body), whole(PICTURES[0])])
    with (
        HttpCamera(lambda _: [next(answers)]) as camera,
        opened(f"{camera.url()}#fps=50") as source,
    ):
        read(source)
        with pytest.raises(ValueError, match=words):
            JpegEncoder().finish(read(source))
        assert read(source).jpeg == PICTURES[0]
        assert camera.connections == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (whole(b"<p>Log in</p>", kind="text/html"), "sends text/html, not a picture"),
        (whole(b'{"error": 1}', kind="application/json"), "sends application/json"),
        (whole(b""), "picture|empty"),
        (whole(b"", kind="text/plain"), "an empty response"),
        (head(status="503 Busy"), "answers 503 Busy"),
        (head(status="404 Not Found"), "answers 404 Not Found"),
        (b"SSH-2.0-OpenSSH_9\r\n", "no HTTP status line"),
        (b"", "without a response"),
        (head(f"{MIXED};boundary=a") + b"x" * 40000, "does not send MJPEG"),
        (head(f"{MIXED};boundary=a") + b"--a\r\n\r\n", "has ended the stream"),
    ],
)
def test_what_is_no_camera_is_said_in_words(answer: bytes, words: str) -> None:
    with (
        HttpCamera(lambda _: [answer]) as camera,
        pytest.raises((CameraFailed, ValueError), match=words),
        opened(camera.url()) as source,
    ):
        JpegEncoder().finish(read(source))  # an empty picture is a broken one


def test_a_connection_that_the_camera_has_closed_meanwhile_is_no_failure() -> None:
    with HttpCamera(lambda _: [whole(PICTURES[0])]) as camera:
        with opened(f"{camera.url()}#fps=50") as source:
            for _ in range(4):
                assert read(source).jpeg == PICTURES[0]
                camera.hang_up()
        assert len(camera.requests) == 4


def test_a_snapshot_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SNAPSHOT_TIMEOUT", -1.0)

    def answer(_: Request) -> Iterator[bytes]:
        yield head("Content-Type: image/jpeg", "Content-Length: 1000000")
        yield b"\xff\xd8" + bytes(1000)
        for _ in range(100):
            yield bytes(1000)

    with (
        HttpCamera(answer) as camera,
        pytest.raises(CameraFailed, match="takes more than"),
        opened(camera.url()),
    ):
        pass
