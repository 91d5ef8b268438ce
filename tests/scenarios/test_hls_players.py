"""HLS as a person has it: played by hls.js in a browser, from our folder, an origin and an edge."""

from __future__ import annotations

import base64
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import cv2
import numpy as np

from tests.support.chromium import chromium
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.publish_examples import EXAMPLES, filled
from tests.support.publish_peers import LOCAL, Nginx
from tests.support.publish_status import probe, state, targets
from tests.support.system import require
from twistedcam.media import barcode
from twistedcam.tls.certificate import make_certificate

#: Where `make test` puts it (tools/browser_parts.py).
PARTS = Path(sys.prefix) / "share/twistedcam-tests"
#: Seconds from capture to screen that are far too many, on a busy machine, too.
TOO_LATE = 15.0


def hls_js() -> Path:
    """The one file of hls.js."""
    found = sorted(PARTS.glob("hls-*.min.js"))
    require(found, f"no hls.js: python tools/browser_parts.py {PARTS}")
    return found[-1]


class Player:
    """docs/examples/player.html in a browser."""

    def __init__(self, chrome: Any) -> None:
        self._chrome = chrome

    def stamp(self) -> barcode.Stamp | None:
        """What the barcode says in the picture that is shown now."""
        url = self._chrome.execute_script(
            "if (!video.videoWidth) return '';"
            "const canvas = document.createElement('canvas');"
            "[canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];"
            "canvas.getContext('2d').drawImage(video, 0, 0);"
            "return canvas.toDataURL('image/png');"
        )
        if not url:
            return None
        png = np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8)
        return barcode.read(cv2.imdecode(png, cv2.IMREAD_COLOR))

    def latency(self) -> float:
        """Seconds from the capture of a picture to its being seen."""
        stamp: barcode.Stamp = wait_for(self.stamp, "a picture")
        return time.time() - stamp.time_us / 1e6

    def play(self) -> None:
        """See time pass and the picture move."""
        first, began = wait_for(self.stamp, "a picture"), self._time()
        wait_for(lambda: self._time() > began + 1, "a second of video")
        wait_for(lambda: (self.stamp() or first).number > first.number + 10, "another picture")

    def _time(self) -> float:
        return float(self._chrome.execute_script("return video.currentTime"))


def test_a_browser_plays_hls_from_folder_origin_and_edge(tmp_path: Path) -> None:
    rtmp, web, edge_rtmp, edge_web = (free_port() for _ in range(4))
    ports = {"p1935": rtmp, "p8081": web, "p1936": edge_rtmp, "p8082": edge_web}
    www = tmp_path / "www"
    for each in (www, tmp_path / "hls"):
        each.mkdir()
    shutil.copy(hls_js(), www / "hls.min.js")
    shutil.copy(EXAMPLES / "player.html", www)
    publish = ["--publish", f"rtmp://{LOCAL}:{rtmp}/live/door", "--publish", f"hls:{www}/door"]
    camera = ("--camera", "pattern:?size=640x480&fps=30")
    sources = {
        "folder": f"http://{LOCAL}:{web}/door/live.m3u8",
        "origin": f"http://{LOCAL}:{web}/hls/door.m3u8",
        "edge": f"http://{LOCAL}:{edge_web}/hls/door.m3u8",
    }
    with (
        Nginx(tmp_path / "origin", filled("origin.conf", tmp_path, **ports), rtmp),
        Nginx(tmp_path / "edge", filled("edge.conf", tmp_path, **ports), edge_web),
        ServerProcess(tmp_path / "rec", *camera, *publish) as server,
        chromium(tmp_path) as page,
    ):
        for name in ("rtmp", "hls"):
            wait_for(lambda name=name: state(server, name) == "live", f"{name} to be live")
        wait_for((tmp_path / "hls/door.m3u8").exists, "the origin's playlist")
        oldest = min((www / "door").glob("*.ts"))
        player = Player(page.chrome)
        for url in sources.values():
            page.chrome.get(f"http://{LOCAL}:{web}/player.html?{url}")
            player.play()
            wait_for(lambda: player.latency() < TOO_LATE, "a picture that is not old")
            assert probe(url)[:2] == ["h264", "640"]
        wait_for(lambda: not oldest.exists(), "the oldest segment to be removed")
        assert len(list((www / "door").glob("*.ts"))) <= 10
        segment = page.chrome.execute_script("return hls.levels[0].details.fragments[0].url")
        for _ in range(2):
            with urlopen(segment, timeout=PATIENCE) as answer:
                cached = answer.headers["X-Cache"]
        assert cached == "HIT"


DAV = """http {{ server {{
    listen {local}:{port}; listen {local}:{tls} ssl;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    root {folder}/www; client_body_temp_path {folder}/body; access_log {folder}/access;
    dav_methods PUT DELETE; create_full_put_path on;
    location /locked/ {{ auth_basic x; auth_basic_user_file {folder}/users; }}
}} }}
"""


def test_a_web_server_that_takes_put_and_delete_shows_what_is_uploaded(tmp_path: Path) -> None:
    port, tls = free_port(), free_port()
    make_certificate(tmp_path, [LOCAL], datetime.now(UTC))
    (tmp_path / "www").mkdir()
    (tmp_path / "users").write_text("door:{PLAIN}k@y\n")
    config = DAV.format(local=LOCAL, port=port, tls=tls, folder=tmp_path)
    urls = {
        "plain": f"http://{LOCAL}:{port}/plain/live.m3u8#name=plain",
        "tls": f"https://{LOCAL}:{tls}/tls/live.m3u8#name=tls&ca={tmp_path}/cert.pem",
        "locked": f"http://door:k%40y@{LOCAL}:{port}/locked/live.m3u8#name=locked",
        "refused": f"http://door:no@{LOCAL}:{port}/locked/refused.m3u8#name=refused",
    }
    options = [word for url in urls.values() for word in ("--publish", f"hls:{url}")]
    with (
        Nginx(tmp_path / "nginx", config, port),
        ServerProcess(tmp_path / "rec", "--camera", "pattern:?size=320x240", *options) as server,
    ):
        for name in ("plain", "tls", "locked"):
            folder = tmp_path / "www" / name
            wait_for((folder / "live.m3u8").exists, "a playlist")
            oldest = min(folder.glob("*.ts"))
            wait_for(lambda oldest=oldest: not oldest.exists(), "the oldest segment to be removed")
        assert probe(f"http://{LOCAL}:{port}/plain/live.m3u8")[:2] == ["h264", "320"]
        assert probe(f"https://{LOCAL}:{tls}/tls/live.m3u8")[:2] == ["h264", "320"]
        assert probe(urls["locked"].partition("#")[0])[:2] == ["h264", "320"]
        found = targets(server)
        assert [found[name]["faults"] for name in ("plain", "tls", "locked")] == [0, 0, 0]
        assert found["refused"]["last_fault"] == "PUT: 401 Unauthorized"
        assert not list((tmp_path / "www/locked").glob("refused*"))
