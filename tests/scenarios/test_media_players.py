"""Media players and tools that show a camera: FFmpeg, OpenCV, GStreamer, VLC, curl."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import pytest
import requests

from tests.support.http_server import stamp_of
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.system import require, require_program
from tests.support.vlc import folder_for_all, playing_with_vlc, scene_options, scenes_in
from twistedcam.media import barcode


def run(*command: str) -> bytes:
    """Run a program, check that it succeeds, and return its output."""
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True).stdout


def curl(*arguments: str) -> bytes:
    """Return the output of curl."""
    return run(require_program("curl"), "--silent", "--max-time", "20", *arguments)


def goes_on(numbers: list[int]) -> bool:
    """True if the sequence numbers increase."""
    return len(numbers) > 1 and numbers == sorted(set(numbers))


def test_ffmpeg_reads_the_stream(cameras: ServerProcess) -> None:
    command = [require_program("ffmpeg"), "-v", "error", "-f", "mpjpeg"]
    command += ["-i", f"{cameras.http}/stream", "-frames:v", "12", "-f", "framemd5", "-"]
    frames = [line for line in run(*command).splitlines() if not line.startswith(b"#")]
    assert len({line.split(b",")[-1] for line in frames}) == 12


def test_ffmpeg_finds_out_for_itself_what_it_is(cameras: ServerProcess) -> None:
    probe = [require_program("ffprobe", apt="ffmpeg"), "-v", "error", "-of", "json"]
    told = json.loads(run(*probe, "-show_streams", f"{cameras.http}/?action=stream"))
    (stream,) = told["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("mjpeg", 320, 240)


@pytest.mark.parametrize("path", ["/stream/door", "/?action=stream"])
def test_opencv_reads_the_stream_with_rising_numbers(cameras: ServerProcess, path: str) -> None:
    capture = cv2.VideoCapture(cameras.http + path, cv2.CAP_FFMPEG)
    try:
        numbers = []
        while len(numbers) < 6:
            there, image = capture.read()
            assert there and image.shape == (240, 320, 3)
            stamp = barcode.read(image)
            assert stamp is not None
            numbers.append(stamp.number)
    finally:
        capture.release()
    assert goes_on(numbers)


def test_gstreamer_reads_the_stream(cameras: ServerProcess, tmp_path: Path) -> None:
    launch = require_program("gst-launch-1.0", apt="gstreamer1.0-tools")
    asked = [require_program("gst-inspect-1.0"), "--exists", "souphttpsrc"]
    there = (
        subprocess.run(asked, capture_output=True, timeout=PATIENCE, check=False).returncode == 0
    )
    require(there, "souphttpsrc is missing (Debian: apt-get install gstreamer1.0-plugins-good)")
    source = f"souphttpsrc location={cameras.http}/stream ! multipartdemux ! tee name=both"
    files = f"both. ! queue ! identity eos-after=6 ! multifilesink location={tmp_path}/%02d.jpg"
    decoded = "both. ! queue ! jpegdec ! fakesink"
    run(launch, "-q", *source.split(), *files.split(), *decoded.split())
    saved = [stamp_of(file.read_bytes()).number for file in sorted(tmp_path.glob("*.jpg"))]
    assert len(saved) == 5 and goes_on(saved)


def test_vlc_plays_the_stream(cameras: ServerProcess) -> None:
    with folder_for_all() as folder:
        options = [*scene_options(folder), f"{cameras.http}/stream"]
        with playing_with_vlc(folder, *options):
            numbers = wait_for(
                lambda: len(set(found := scenes_in(folder))) > 2 and found, "pictures by VLC"
            )
    assert numbers == sorted(numbers)


def test_curl_gets_a_snapshot(cameras: ServerProcess) -> None:
    assert stamp_of(curl(f"{cameras.http}/snapshot")).number > 0
    busy = curl("--write-out", "%{http_code}", f"{cameras.http}/snapshot/attic")
    assert busy.endswith(b"503")


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_head_is_answered_in_every_version_of_http(cameras: ServerProcess, version: str) -> None:
    for path in ("/stream", "/?action=stream"):
        head = curl("--head", version, cameras.http + path)
        assert b" 200 OK\r\n" in head and b"multipart/x-mixed-replace" in head
    head = curl("--head", version, f"{cameras.http}/?action=snapshot")
    assert b"Content-Type: image/jpeg" in head
    assert stamp_of(curl(version, f"{cameras.http}/?action=snapshot")).number > 0
    part = curl(
        version, "--range", "0-4000", "--max-filesize", "1000000", f"{cameras.http}/snapshot"
    )
    assert part.startswith(b"\xff\xd8")


def test_python_requests_reads_the_stream(cameras: ServerProcess) -> None:
    with requests.get(f"{cameras.http}/stream", stream=True, timeout=PATIENCE) as response:
        boundary = response.headers["Content-Type"].partition("boundary=")[2].encode()
        data = b""
        for chunk in response.iter_content(4096):
            data += chunk
            if data.count(b"--" + boundary) > 4:
                break
    parts = [part.partition(b"\r\n\r\n")[2] for part in data.split(b"\r\n--" + boundary)[:4]]
    assert goes_on([stamp_of(part).number for part in parts])


def test_a_players_seeking_gets_the_part_that_it_wants(cameras: ServerProcess) -> None:
    api = f"{cameras.http}/api/v1/cameras/door"
    url = (
        f"{cameras.http}/recordings/{json.loads(curl('-X', 'POST', f'{api}/snapshot'))['snapshot']}"
    )
    whole = curl(url)
    part = curl("--include", "--range", "100-199", url)
    head, _, body = part.partition(b"\r\n\r\n")
    assert b" 206 " in head and f"bytes 100-199/{len(whole)}".encode() in head
    assert body == whole[100:200]
    assert stamp_of(whole).number > 0
