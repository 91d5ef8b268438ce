"""Cameras on the net: MJPEG passed through, snapshots, and whatever FFmpeg opens."""

from __future__ import annotations

import base64
import contextlib
import http.server
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.fakecam import encode_jpeg, jpeg_size, moving_picture
from tests.support.http_camera import opened, read
from tests.support.ports import free_port
from tests.support.process import PATIENCE, wait_for
from tests.support.system import require_program
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import BadArgument, CameraFailed, SourceEnded, StartupError
from twistedcam.sources import ffmpeg as stream
from twistedcam.sources import http as web
from twistedcam.sources.base import Paused, Source
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse

JPEGS = [encode_jpeg(picture) for picture in moving_picture(320, 240, 4)]


class Camera(http.server.BaseHTTPRequestHandler):
    """A camera on the net."""

    def do_GET(self) -> None:
        if self.path.startswith("/secret") and self.headers.get("Authorization") != WANTED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
        elif self.path.startswith("/snapshot"):
            self.answer("image/jpeg", JPEGS[0])
        elif self.path == "/text":
            self.answer("text/html", b"<p>no camera</p>")
        elif self.path == "/stopped":
            self.answer("multipart/x-mixed-replace;boundary=frame", b"")
            for state in (b"X-Twistedcam-State: stopped\r\n", b""):
                self.wfile.write(b"--frame\r\n" + state + b"\r\n" + JPEGS[0] + b"\r\n")
            self.wfile.write(b"--frame--\r\n")
        elif self.path == "/silent":
            self.answer("multipart/x-mixed-replace;boundary=frame", b"")
            over.wait(PATIENCE)
        else:
            self.answer("multipart/x-mixed-replace;boundary=frame", b"")
            with contextlib.suppress(OSError):
                for number, jpeg in enumerate(JPEGS):
                    stamp = b"X-Timestamp: %.6f\r\n" % (start + number)
                    self.wfile.write(b"--frame\r\n" + stamp + b"\r\n" + jpeg + b"\r\n")
                self.wfile.write(b"--frame--\r\n")

    def answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: Any) -> None:
        pass


WANTED = "Basic " + base64.b64encode(b"me:p@ss").decode()
#: Seconds without a picture after which a peer is given up; a busy machine keeps none so long.
SILENCE = 3.0
#: Set when the server ends.
over = threading.Event()
#: Set by ``host``: a camera's clock that is too far from ours is not believed.
start = 0.0


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    global start
    start = time.time() - 3
    over.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_mjpeg_goes_through_byte_for_byte_with_its_times(host: str) -> None:
    with opened(f"http://{host}/stream") as source:
        for number, jpeg in enumerate(JPEGS):
            grab = read(source)
            assert grab.jpeg == jpeg
            assert grab.time == pytest.approx(start + number, abs=1e-5)
        with pytest.raises(CameraFailed, match="ended the stream"):
            read(source)


def test_what_another_twistedcam_shows_while_its_camera_is_stopped_is_no_picture(
    host: str,
) -> None:
    with opened(f"http://{host}/stopped") as source:
        with pytest.raises(Paused, match="its camera is stopped"):
            read(source)
        assert read(source).jpeg == JPEGS[0]


def test_a_snapshot_is_asked_for_again_and_again(host: str) -> None:
    with opened(f"http://{host}/snapshot?quality=3#fps=20") as source:
        assert [read(source).jpeg for _ in range(3)] == [JPEGS[0]] * 3


def test_a_password_opens_and_is_never_shown(host: str) -> None:
    spec = parse(f"http://me:p%40ss@{host}/secret?token=xyz")
    assert spec.shown == f"http://***@{host}/secret?token=***"
    with opened(spec.text) as source:
        assert read(source).jpeg == JPEGS[0]
    with pytest.raises(CameraFailed) as error, opened(f"http://me:wrong@{host}/secret"):
        pass
    assert "401" in str(error.value)
    assert "wrong" not in str(error.value)


def test_a_silent_peer_is_given_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "TIMEOUT", 0.2)
    with (
        opened(f"http://{host}/silent") as source,
        pytest.raises(CameraFailed, match=r"for 0\.2 s"),
    ):
        source.read()


def test_who_waits_for_a_peer_can_be_interrupted(host: str) -> None:
    with opened(f"http://{host}/silent") as source:
        assert isinstance(source, web.HttpSource)
        timer = threading.Timer(0.1, source.interrupt)
        timer.start()
        with pytest.raises(CameraFailed) as error:
            source.read()
        assert "nothing came" not in str(error.value)
        timer.join()


def test_what_is_no_camera_is_named(host: str) -> None:
    with pytest.raises(CameraFailed, match=r"127\.0\.0\.1"), opened(f"http://{host}/text"):
        pass
    url = f"http://127.0.0.1:{free_port()}/"
    with pytest.raises(CameraFailed, match="refused"), opened(url):
        pass


@pytest.mark.parametrize("text", ["http:", "http:///x", "rtsp:camera", "ffmpeg:", "http://h:x/"])
def test_an_address_without_a_host_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        make_source(parse(text))


def test_a_peer_s_query_is_the_peer_s() -> None:
    spec = parse("http://h/mjpg?resolution=320x240&fps=5&rotate=90")
    assert (spec.target, spec.settings) == ("//h/mjpg?resolution=320x240&fps=5", {"rotate": "90"})
    spec = parse("http://h/mjpg?rotate=90#flip=h")
    assert (spec.target, spec.settings) == ("//h/mjpg?rotate=90", {"flip": "h"})
    again = spec.with_settings({"quality": "50"})
    assert parse(again.text) == again


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@h/s", "rtsp://***@h/s"),
        ("ffmpeg:rtsp://u:p@h/s", "ffmpeg:rtsp://***@h/s"),
        ("twistedcam://:TOKEN@h:1/cam", "twistedcam://***@h:1/cam"),
        ("http://h/x?usr=me&pwd=it&a=1", "http://h/x?usr=***&pwd=***&a=1"),
        ("http://h/?user=admin#fps=1", "http://h/?user=***#fps=1"),
        ("rtmp://h/app/KEY?x=1", "rtmp://h/app/***?x=1"),
        ("rtmps://h:1935/app/inst/KEY", "rtmps://h:1935/app/***"),
        ("ffmpeg:rtmp://h/app/KEY", "ffmpeg:rtmp://h/app/***"),
        ("rtmp://h/app#fps=1", "rtmp://h/app#fps=1"),
        ("rtmp://h", "rtmp://h"),
        ("srt://h:9?streamid=live/KEY&latency=1", "srt://h:9?streamid=***&latency=1"),
        ("rtsp://u:p/q@h/s", "rtsp://***@h/s"),  # both should have been %2F
        ("rtmp://u:p/q@h:x/app/KEY", "rtmp://***@h:x/app/***"),
        ("http:u:p@h/s?key=1", "http://***@h/s?key=***"),
        ("ffmpeg:rtsp://u:p/q@h/s", "ffmpeg:rtsp://***@h/s"),
        ("http://h:80/@u/s", "http://h:80/@u/s"),
        ("http://[::1]:80/@u", "http://[::1]:80/@u"),
        ("file:///home/a@b.mp4", "file:///home/a@b.mp4"),
        ("twistedcam+unix:/run/a@b", "twistedcam+unix:/run/a@b"),
        ("webcam:0?size=1x1", "webcam:0?size=1x1"),
        ("file:clip.mkv?loop=0", "file:clip.mkv?loop=0"),
        ("file:/films/clip.mkv", "file:/films/clip.mkv"),
        ("file:///films/clip.mkv", "file:///films/clip.mkv"),
        ("file:clips/a.mp4?loop=0", "file:clips/a.mp4?loop=0"),
        ("file:a#1@home.mp4", "file:a#1@home.mp4"),
        ("folder:pictures/", "folder:pictures/"),
        ("ffmpeg:file:clips/a.mp4", "ffmpeg:file:clips/a.mp4"),
    ],
)
def test_no_secret_is_shown(text: str, shown: str) -> None:
    assert parse(text).shown == shown


@pytest.mark.parametrize(
    "text",
    [
        "twistedcam://:SECRET@h:bad/x",
        "twistedcam://:SECRET/x@h/x",
        "twistedcam://:SECRET@[h/x",
        "twistedcam://:SECRET@h/x?a",
        "twistedcam://:SECRET@h/x?a=1",
        "twistedcam://h/x?token=SECRET&fps=0",
        "rtsp://u:SECRET@h:bad/x",
        "http://u:SECRET/x@h/",
        "rtmp://h:bad/app/SECRET",
        "auto:rtsp://u:SECRET@h/",
        "my_cam://u:SECRET@h/x",
    ],
)
def test_no_secret_is_in_an_error(text: str) -> None:
    with pytest.raises(BadArgument) as caught:
        make_source(parse(text))
    assert "SECRET" not in str(caught.value)


def test_ffmpeg_opens_a_live_stream_and_a_dead_peer_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "TIMEOUT", SILENCE)
    url = f"tcp://127.0.0.1:{free_port()}"
    made = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=30", "-c:v", "mpeg2video"]
    command = [require_program("ffmpeg"), "-v", "quiet", "-nostdin", *made, "-f", "mpegts"]
    with subprocess.Popen([*command, f"{url}?listen=1"]) as peer:
        try:
            source = _connect(f"ffmpeg:{url}")
            for _ in range(3):
                grab = read(source)
                assert grab.image is not None
                assert grab.image.shape == (240, 320, 3)
            peer.send_signal(signal.SIGSTOP)
            with pytest.raises(CameraFailed, match="nothing came for 3 s"):
                _read_to_the_end(source)
            source.close()
        finally:
            peer.kill()


@pytest.mark.parametrize("end", ["stops", "ends"])
def test_ffmpeg_s_own_mjpeg_over_http_goes_through_and_a_dead_peer_is_noticed(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "TIMEOUT", SILENCE)
    url = f"http://127.0.0.1:{free_port()}/cam.mjpg"
    made = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=30", "-c:v", "mjpeg"]
    kind = ["-content_type", "multipart/x-mixed-replace;boundary=ffmpeg"]
    command = [require_program("ffmpeg"), "-v", "quiet", "-nostdin", *made, "-f", "mpjpeg"]
    with subprocess.Popen([*command, *kind, "-listen", "1", url]) as peer:
        try:
            source = _connect(url)
            for _ in range(10):
                grab = read(source)
                assert grab.jpeg is not None, "it is passed through"
                assert jpeg_size(grab.jpeg) == (320, 240)
            peer.send_signal(signal.SIGSTOP if end == "stops" else signal.SIGKILL)
            reason = "nothing came for 3 s" if end == "stops" else "ended the stream|reset"
            with pytest.raises(CameraFailed, match=reason):
                _read_to_the_end(source)
            source.close()
        finally:
            peer.kill()


def _read_to_the_end(source: Source) -> None:
    while True:
        source.read()


def _connect(text: str) -> Source:
    def opened() -> Source | None:
        source = make_source(parse(text))
        try:
            source.open()
        except CameraFailed:
            return None
        return source

    found: Source = wait_for(opened, text)
    return found


def test_a_folder_s_pictures_come_in_order_and_new_ones_are_seen(tmp_path: Path) -> None:
    for number, jpeg in enumerate(JPEGS[:2]):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg)
    (tmp_path / "notes.txt").write_text("no picture")
    with opened(f"folder:{tmp_path}?fps=500") as source:
        assert [read(source).jpeg for _ in range(3)] == [JPEGS[0], JPEGS[1], JPEGS[0]]
        (tmp_path / "2.JPG").write_bytes(JPEGS[2])
        assert JPEGS[2] in [read(source).jpeg for _ in range(6)]
    with opened(f"folder:{tmp_path}?fps=500&loop=0") as source:
        for _ in range(3):
            read(source)
        with pytest.raises(SourceEnded):
            read(source)


def test_a_folder_without_pictures_or_none_at_all_is_named(tmp_path: Path) -> None:
    with pytest.raises(CameraFailed, match="no pictures in"), opened(f"folder:{tmp_path}"):
        pass
    with pytest.raises(StartupError, match="no folder"):
        make_source(parse(f"folder:{tmp_path}/gone"))


def test_other_pictures_are_read_and_what_is_none_is_counted_as_broken(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.full((20, 30, 3), 7, np.uint8))
    (tmp_path / "1.png").write_bytes(b"no picture")
    with opened(f"folder:{tmp_path}?fps=500") as source:
        image = read(source).image
        assert image is not None
        assert image.shape == (20, 30, 3)
        with pytest.raises(ValueError, match="no picture"):
            JpegEncoder().finish(read(source))
        for each in tmp_path.iterdir():
            each.unlink()
        with pytest.raises(CameraFailed, match=r"no pictures in .* any more"):
            source.read()


def test_a_folder_that_goes_while_it_is_shown_is_a_lost_camera(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, jpeg in enumerate(JPEGS[:2]):
        (folder / f"{number}.jpg").write_bytes(jpeg)
    with opened(f"folder:{folder}?fps=500") as source:
        read(source)
        shutil.rmtree(folder)
        with pytest.raises(CameraFailed, match="No such file"):
            source.read()
    with pytest.raises(CameraFailed, match="No such file"):
        source.open()


def test_who_waits_for_a_folder_s_next_picture_can_be_woken(tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(JPEGS[0])
    with opened(f"folder:{tmp_path}?fps=0.001") as source:
        read(source)
        source.interrupt()
        assert source.read() is None
    with pytest.raises(BadArgument, match="needs a path"):
        make_source(parse("folder:"))
