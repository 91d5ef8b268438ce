"""Clients that show cameras among other things: Moonraker, Mainsail, OctoPrint, Home Assistant.

What they send and how they read was taken from their source; each test says whose way it is.
"""

from __future__ import annotations

import http.client
import re
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
import requests

from tests.support.documents import commands
from tests.support.http_server import stamp_of
from tests.support.process import PATIENCE, ServerProcess

NOW = "1700000000000"  # what programs add to an address so that nothing is kept from before


@contextmanager
def ask(server: ServerProcess, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """Send a request with these headers and return the response with an unread body."""
    connection = http.client.HTTPConnection(urlsplit(server.http).netloc, timeout=PATIENCE)
    named = {name.replace("_", "-"): headers[name] for name in headers}
    with closing(connection):
        connection.request("GET", path, headers=named)
        with connection.getresponse() as response:
            yield response


def moonrakers_test(url: str) -> bool:
    """Moonraker, ``webcam.py``: True if a snapshot can be loaded, with one second for each step."""
    response = requests.get(url, timeout=PATIENCE, headers={"Accept-Encoding": "gzip"})
    return response.status_code < 400


def test_moonraker_finds_the_snapshot_reachable(cameras: ServerProcess) -> None:
    """Moonraker: ``POST /server/webcams/test``, with whole addresses in its settings."""
    assert moonrakers_test(f"{cameras.http}/?action=snapshot")
    assert moonrakers_test(f"{cameras.http}/snapshot/door")
    assert not moonrakers_test(f"{cameras.http}/snapshot/attic")


def mainsails_pictures(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Mainsail, ``mjpegstreamer``: reads text until a JPEG begins; the length is in that text.

    It looks for the mark in one piece that came from the network, so the mark may not be cut in
    two; and it shows a picture when the first byte behind it is there, so something must follow.
    """
    text, picture, length = "", bytearray(), 0
    while piece := response.read1(1 << 16):
        at = 0
        while at < len(piece):
            if not length:
                mark = piece.find(b"\xff\xd8", at)
                end = len(piece) if mark < 0 else mark
                text += piece[at:end].decode("latin-1")
                at = end
                if mark >= 0:
                    pairs = [line.split(":") for line in text.split("\n")]
                    found = [pair[1] for pair in pairs if pair[0].lower() == "content-length"]
                    length, text = int(found[-1]), ""
            elif len(picture) < length:
                taken = piece[at : at + length - len(picture)]
                picture += taken
                at += len(taken)
            else:
                yield bytes(picture)
                picture.clear()
                length, at = 0, at + 1  # that byte is lost


def test_mainsail_reads_the_stream(cameras: ServerProcess) -> None:
    """Mainsail, ``mjpegstreamer``: ``fetch`` in CORS mode, with ``timestamp`` in the address."""
    page = "http://printer.local"
    with ask(cameras, f"/?action=stream&timestamp={NOW}", Origin=page, Accept="*/*") as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] in ("*", page)
        numbers = [stamp_of(jpeg).number for jpeg in islice(mainsails_pictures(response), 5)]
        assert numbers == sorted(set(numbers))


def test_mainsail_sees_a_picture_that_says_why_there_is_none(cameras: ServerProcess) -> None:
    """Mainsail, ``mjpegstreamer``: a camera that does not exist has a stream too."""
    with ask(cameras, f"/stream/attic?timestamp={NOW}") as response:
        one, two = islice(mainsails_pictures(response), 2)
        image = cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[:2] == (480, 640) and image.std() > 3
        assert two


@pytest.mark.parametrize("word", ["bypassCache", "cacheBust"])
def test_the_adaptive_ways_ask_for_one_snapshot_after_the_other(
    cameras: ServerProcess, word: str
) -> None:
    """Mainsail (``bypassCache``), Fluidd (``cacheBust``): an image whose address is set anew.

    They take the time that it took, and wait for what is left of a frame's; the answer may not be
    kept, and the connection should be good for the next.
    """
    with requests.Session() as session:
        numbers = []
        for count in range(4):
            query = f"action=snapshot&{word}={int(NOW) + count}"
            answer = session.get(f"{cameras.http}/?{query}", timeout=PATIENCE)
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers.get("Connection", "").lower() != "close"
            numbers.append(stamp_of(answer.content).number)
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("host", ["mjpgstreamer1", "mjpgstreamer2"])
def test_what_nginx_passes_on_before_a_printer_is_answered(
    cameras: ServerProcess, host: str
) -> None:
    """Mainsail's and Fluidd's nginx: ``/webcam/`` goes to an upstream, whose name is the Host."""
    for path in ("/?action=snapshot", "/snapshot/door"):
        with ask(cameras, path, Host=host, Connection="close") as response:
            assert response.status == 200
            assert stamp_of(response.read()).number > 0


def octoprints_test(url: str) -> dict[str, Any]:
    """OctoPrint, ``api/util/test``: a status below 400 and a type that begins with ``image/``."""
    with requests.request("GET", url, timeout=PATIENCE, verify=True, stream=True) as response:
        kind = response.headers.get("content-type", "")
        well = response.status_code < 400 and kind.split(";")[0].startswith("image/")
        return {"result": well, "content": response.content if well else b""}


def test_octoprints_snapshot_test_sees_an_image(cameras: ServerProcess) -> None:
    """OctoPrint: the button "Test" behind the snapshot's address, in settings and wizard."""
    found = octoprints_test(f"{cameras.http}/?action=snapshot")
    assert found["result"] and stamp_of(found["content"]).number > 0
    assert not octoprints_test(f"{cameras.http}/?action=stream")["result"]
    assert not octoprints_test(f"{cameras.http}/snapshot/attic")["result"]


def test_octoprints_timelapse_takes_snapshots(cameras: ServerProcess) -> None:
    """OctoPrint, ``classicwebcam``: pieces of 1 KB, after Basic or Bearer if it was told so."""
    url = f"{cameras.http}/?action=snapshot"
    for more in ({}, {"auth": ("octo", "x")}, {"headers": {"Authorization": "Bearer x"}}):
        with requests.get(url, stream=True, timeout=PATIENCE, verify=True, **more) as response:  # type: ignore[arg-type]
            response.raise_for_status()
            assert stamp_of(b"".join(response.iter_content(chunk_size=1024))).number > 0


def test_octoprints_event_manager_runs_the_commands_of_the_guide() -> None:
    """OctoPrint, ``CommandTrigger``: it runs no command with braces that are not placeholders."""
    found = [words for where, words in commands("curl") if "printer.md" in where]
    assert len(found) == 2
    for words in found:
        command = shlex.join(["curl", *words])
        assert command.format(__now=NOW) == command


def test_octoprints_stream_with_a_number_that_has_no_name(cameras: ServerProcess) -> None:
    """OctoPrint, ``classicwebcam``: an ``<img>``; its cache buster is a bare number."""
    with ask(
        cameras, f"/?action=stream&{NOW}", Accept="image/avif,image/webp,*/*;q=0.8"
    ) as response:
        assert response.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        assert stamp_of(next(mainsails_pictures(response))).number > 0


def home_assistants_still(pieces: Iterator[bytes]) -> bytes:
    """Home Assistant, ``mjpeg``: from the first start mark to the first end mark."""
    data = b""
    for piece in pieces:
        data += piece
        end, start = data.find(b"\xff\xd9"), data.find(b"\xff\xd8")
        if start >= 0 and end >= 0:
            return data[start : end + 2]
    raise AssertionError("the stream ended")


@pytest.mark.parametrize("path", ["/stream", "/snapshot", "/?action=stream"])
def test_home_assistant_accepts_the_address(cameras: ServerProcess, path: str) -> None:
    """Home Assistant, ``mjpeg`` config flow: the head within ten seconds, then it hangs up."""
    response = requests.get(cameras.http + path, stream=True, timeout=PATIENCE, verify=True)
    response.raise_for_status()
    response.close()


def test_home_assistant_takes_a_still_from_the_stream(cameras: ServerProcess) -> None:
    """Home Assistant, ``mjpeg`` without a still image's address: pieces of 100 KB."""
    with requests.get(f"{cameras.http}/stream", stream=True, timeout=PATIENCE) as response:
        assert stamp_of(home_assistants_still(response.iter_content(102400))).number > 0


def test_home_assistant_hands_the_stream_on(cameras: ServerProcess) -> None:
    """Home Assistant, ``mjpeg`` through aiohttp: type and bytes go to its browsers as they are."""
    headers = {"User_Agent": "HomeAssistant/2026.11 aiohttp/3.13 Python/3.13"}
    with ask(
        cameras, "/stream", Accept="*/*", Accept_Encoding="gzip, deflate, br", **headers
    ) as response:
        assert "Content-Encoding" not in response.headers
        kind = response.headers["Content-Type"]
        boundary = re.fullmatch(r"multipart/x-mixed-replace; ?boundary=([\w-]+)", kind)
        assert boundary, kind
        assert response.read(len(boundary[1]) + 2) == b"--" + boundary[1].encode()


def test_home_assistants_still_image_address(cameras: ServerProcess) -> None:
    """Home Assistant, ``mjpeg`` with a still image's address: all of the answer, whatever it is."""
    with ask(cameras, "/snapshot", Accept="*/*", Accept_Encoding="gzip, deflate, br") as response:
        jpeg = response.read()
        assert len(jpeg) == int(response.headers["Content-Length"])
        assert stamp_of(jpeg).number > 0
