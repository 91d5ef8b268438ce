"""Programs that people point at a camera read this one, in their own ways."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from tests.process import ServerProcess, wait_for
from tests.system import require_program
from twistedcam import barcode

SIZE = (320, 240)
OPTIONS = ("--camera", "door=pattern:?size=320x240&fps=20", "--camera", "attic=webcam:/dev/none")
HTTP = ("--http", "tcp:0:interface=127.0.0.1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("recordings"), *OPTIONS, *HTTP) as running:
        wait_for(lambda: running.status("door").get("state") == "live", "a picture")
        yield running


def stamp_of(jpeg: bytes) -> barcode.Stamp:
    """What the barcode in a picture says."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    stamp = barcode.read(image.astype(np.uint8, copy=False))
    assert stamp is not None
    return stamp


def curl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run curl; what it wrote."""
    command = [require_program("curl"), "--silent", "--max-time", "20", *arguments]
    return subprocess.run(command, capture_output=True, check=False)


def test_ffmpeg_reads_the_stream(server: ServerProcess) -> None:
    command = [require_program("ffmpeg"), "-v", "error", "-f", "mpjpeg"]
    command += ["-i", f"{server.http}/stream", "-frames:v", "12", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    frames = [line for line in done.stdout.splitlines() if not line.startswith(b"#")]
    assert len({line.split(b",")[-1] for line in frames}) == 12


def test_opencv_reads_the_stream_and_its_pictures_go_on(server: ServerProcess) -> None:
    capture = cv2.VideoCapture(f"{server.http}/stream/door", cv2.CAP_FFMPEG)
    try:
        numbers = []
        while len(numbers) < 8:
            there, image = capture.read()
            assert there and image.shape == (240, 320, 3)
            stamp = barcode.read(image)
            assert stamp is not None
            numbers.append(stamp.number)
    finally:
        capture.release()
    assert numbers == sorted(set(numbers))


def test_curl_gets_a_snapshot_and_the_head_of_a_stream(server: ServerProcess) -> None:
    assert stamp_of(curl(f"{server.http}/snapshot").stdout).number > 0
    for version in ("--http1.0", "--http1.1"):
        head = curl("--head", version, f"{server.http}/stream").stdout
        assert b" 200 OK\r\n" in head and b"multipart/x-mixed-replace" in head
    busy = curl("--write-out", "%{http_code}", f"{server.http}/snapshot/attic").stdout
    assert busy.endswith(b"503")


def test_a_players_seeking_gets_the_part_that_it_wants(server: ServerProcess) -> None:
    api = f"{server.http}/api/v1/cameras/door"
    name = json.loads(curl("-X", "POST", f"{api}/snapshot").stdout)["snapshot"]
    url = f"{server.http}/recordings/{name}"
    whole = curl(url).stdout
    part = curl("--include", "--range", "100-199", url).stdout
    head, _, body = part.partition(b"\r\n\r\n")
    assert b" 206 " in head and f"bytes 100-199/{len(whole)}".encode() in head
    assert body == whole[100:200]
    assert stamp_of(whole).number > 0


def read_like_home_assistant(response: Any) -> bytes:
    """Its MJPEG camera takes the first picture of a stream by looking for JPEG's two marks."""
    data = b""
    while True:
        data += response.read(1024)
        end = data.find(b"\xff\xd9")
        start = data.find(b"\xff\xd8")
        if start >= 0 and end >= 0:
            return data[start : end + 2]


def test_home_assistants_way(server: ServerProcess) -> None:
    for path in ("/stream", "/?action=stream"):
        with urllib.request.urlopen(f"{server.http}{path}", timeout=20) as response:
            # It passes the type on to browsers as it is, so the boundary has to be in it.
            assert re.match(
                r"multipart/x-mixed-replace; ?boundary=\S+$", response.headers["Content-Type"]
            )
            assert stamp_of(read_like_home_assistant(response)).number > 0


def read_like_mainsail(response: Any, count: int) -> list[bytes]:
    """It reads text until a JPEG begins, looks for the length in that text, and takes as much."""
    pictures: list[bytes] = []
    data = response.read1(1 << 16)
    while len(pictures) < count:
        while b"\xff\xd8" not in data:
            data += response.read1(1 << 16)
        before, mark, rest = data.partition(b"\xff\xd8")
        text = before.decode("latin-1")
        lengths = [
            line.split(":")[1]
            for line in text.lower().split("\n")
            if line.startswith("content-length")
        ]
        length = int(lengths[-1])
        data = mark + rest
        while len(data) < length:
            data += response.read1(1 << 16)
        pictures.append(data[:length])
        data = data[length:]
    return pictures


def test_mainsails_way(server: ServerProcess) -> None:
    url = f"{server.http}/?action=stream&cacheBust=1700000000000"
    with urllib.request.urlopen(url, timeout=20) as response:
        numbers = [stamp_of(jpeg).number for jpeg in read_like_mainsail(response, 5)]
    assert numbers == sorted(set(numbers))
    snapshot = f"{server.http}/?action=snapshot&cacheBust=1700000000000"
    with urllib.request.urlopen(snapshot, timeout=20) as response:
        assert response.headers["Content-Type"] == "image/jpeg"
        assert stamp_of(response.read()).number > 0


def test_octoprints_way(server: ServerProcess) -> None:
    # Its timelapse saves what the snapshot's address gives and takes it for a picture; its test of
    # an address asks for the stream and looks at the type alone.
    with urllib.request.urlopen(f"{server.http}/?action=snapshot", timeout=20) as response:
        body = response.read()
        assert int(response.headers["Content-Length"]) == len(body)
        assert body[:2] == b"\xff\xd8" and body[-2:] == b"\xff\xd9"
    with urllib.request.urlopen(f"{server.http}/?action=stream", timeout=20) as response:
        assert response.headers["Content-Type"].startswith("multipart/x-mixed-replace")


def test_a_viewer_of_a_camera_that_is_not_there_sees_a_picture_that_says_so(
    server: ServerProcess,
) -> None:
    with urllib.request.urlopen(f"{server.http}/stream/attic", timeout=20) as response:
        one, two = read_like_mainsail(response, 2)
    image = cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[:2] == (480, 640) and image.std() > 3
    assert two
