"""A server that publishes to real peers: nginx's RTMP, ffmpeg as RTSP server, HLS, WHIP."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av

from tests.process import ServerProcess, wait_for
from tests.publishing.peers import LOCAL, Nginx, free_port, rtsp_listener
from tests.recording.films import read_film
from tests.system import require, require_program

CAMERA = ("--camera", "pattern:?size=320x240&fps=30")
KEY = "S3CRET-KEY"


def targets(server: ServerProcess) -> dict[str, dict[str, Any]]:
    """What ``publish`` says, by target."""
    answer = json.loads(server.command_lines("json on", "publish")[-1])
    return {each["target"]: each for each in answer["targets"]}


def state(server: ServerProcess, target: str) -> str:
    found: str = targets(server)[target]["state"]
    return found


def probe(url: str) -> list[str]:
    """Codec, width and frames of two seconds of a live stream, by ffprobe."""
    words = [require_program("ffprobe", "ffmpeg"), "-v", "error", "-read_intervals", "%+1"]
    words += ["-probesize", "100k", "-analyzeduration", "500k"]  # it would watch for seconds
    words += ["-count_packets", "-show_entries", "stream=codec_name,width,nb_read_packets"]
    done = subprocess.run(
        [*words, "-of", "csv=p=0", url], capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout.strip().split(",")


def test_one_encode_goes_to_all_targets_and_the_recording(tmp_path: Path) -> None:
    rtmp, rtsp, dead = free_port(), free_port(), free_port()
    config = f"rtmp {{ server {{ listen {LOCAL}:{rtmp}; application live {{ live on; }} }} }}"
    options = ["--publish", f"rtmp://{LOCAL}:{rtmp}/live/{KEY}"]
    options += ["--publish", f"rtsp://{LOCAL}:{rtsp}/cam", "--publish", f"hls:{tmp_path}/hls"]
    options += ["--publish", f"rtmp://{LOCAL}:{dead}/live/{KEY}#name=dead"]
    with (
        Nginx(tmp_path / "nginx", config, rtmp),
        rtsp_listener(rtsp, tmp_path / "rtsp.ts"),
        ServerProcess(tmp_path / "rec", *CAMERA, *options) as server,
    ):
        for name in ("rtmp", "rtsp", "hls"):
            wait_for(lambda name=name: state(server, name) == "live", f"{name} to be live")
        assert server.command_lines("record start x.mp4")[-1] == "OK"
        codec, width, packets = probe(f"rtmp://{LOCAL}:{rtmp}/live/{KEY}")
        assert (codec, width) == ("h264", "320")
        assert int(packets) >= 20
        playlist = tmp_path / "hls/live.m3u8"
        old = min((tmp_path / "hls").glob("*.ts"))
        wait_for(lambda: not old.exists(), "an old segment to be removed")
        assert probe(str(playlist))[:2] == ["h264", "320"]
        assert len(list((tmp_path / "hls").glob("*.ts"))) <= 10
        stopped = dict(line.split(": ") for line in server.command_lines("record stop")[:-1])

        now = targets(server)
        assert (now["rtsp"]["faults"], now["hls"]["faults"]) == (0, 0)
        assert now["rtmp"]["connects"] == 1
        assert now["dead"]["faults"] >= 1
        assert "Connection refused" in now["dead"]["last_fault"]
        assert now["dead"]["url"] == f"rtmp://{LOCAL}:{dead}/live/***"

        assert server.command_lines("publish stop rtmp")[-1] == "OK"
        assert state(server, "rtmp") == "stopped"
        assert "no target 'x'" in server.command_lines("publish stop cam x")[-1]
        assert "rtmp stopped" in server.status()["published"]
        commands = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        for child in commands.read_text().split():
            assert KEY not in Path(f"/proc/{child}/cmdline").read_text()
    assert KEY not in server.log
    film = read_film(tmp_path / "rec/x.mp4")
    assert film.seconds > 1
    assert (len(film.times), stopped["dropped"]) == (int(stopped["frames"]), "0")
    assert film.stream["color_range"] == "pc"


def test_a_target_that_answers_nothing_costs_the_others_nothing(tmp_path: Path) -> None:
    """A peer that accepts and is silent would hold anybody who waits for it."""
    with ThreadingHTTPServer((LOCAL, 0), BaseHTTPRequestHandler) as silent:  # serves nobody
        port = silent.server_address[1]
        options = ["--publish", f"rtmp://{LOCAL}:{port}/live/x", "--publish", f"hls:{tmp_path}/h"]
        with ServerProcess(tmp_path / "rec", *CAMERA, *options) as server:
            wait_for(lambda: state(server, "hls") == "live", "hls to be live")
            wait_for(lambda: targets(server)["hls"]["frames"] > 60, "two seconds of video")
            found = targets(server)
            assert found["rtmp"]["state"] == "connecting"
            assert found["hls"]["drops"] == 0
            assert server.command_lines("publish stop")[-1] == "OK"
            assert server.end() == 0


class Upload(BaseHTTPRequestHandler):
    """Takes whatever is put, and WHIP's offers, which it refuses."""

    seen: list[tuple[str, str, str]]
    protocol_version = "HTTP/1.1"

    def _take(self, status: int) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
            body = ""
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(
                errors="replace"
            )
        said = f"{self.headers.get('Content-Type')} {self.headers.get('Authorization')} {body}"
        self.seen.append((self.command, self.path, said))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self) -> None:
        self._take(201)

    def do_DELETE(self) -> None:
        self._take(204)

    def do_POST(self) -> None:
        self._take(403)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_hls_is_put_to_a_web_server_and_whip_offers_itself(tmp_path: Path) -> None:
    seen: list[tuple[str, str, str]] = []
    handler = type("Seeing", (Upload,), {"seen": seen})
    web = ThreadingHTTPServer((LOCAL, 0), handler)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    url = f"http://{LOCAL}:{web.server_address[1]}"
    options = ["--publish", f"hls:{url}/up/live.m3u8"]
    has_whip = "whip" in av.formats_available
    if has_whip:
        options += ["--publish", f"whip:{url}/whip/{KEY}#token=T0K3N"]
    try:
        with ServerProcess(tmp_path, *CAMERA, *options) as server:
            wait_for(lambda: ("PUT", "/up/live.m3u8") in [each[:2] for each in seen], "a playlist")
            wait_for(lambda: "DELETE" in [each[0] for each in seen], "an old segment to go")
            if has_whip:
                offer = next(said for what, path, said in seen if path == f"/whip/{KEY}")
                assert offer.startswith("application/sdp Bearer T0K3N v=0")
                assert "H264" in offer
                wait_for(lambda: "403" in str(targets(server)["whip"]["last_fault"]), "the refusal")
                assert KEY not in str(targets(server))
            assert KEY not in server.log and "T0K3N" not in server.log
    finally:
        web.shutdown()
        web.server_close()
        thread.join()
    require(has_whip, "this FFmpeg has no WHIP")


def test_a_stalled_target_is_given_up_and_others_go_on(tmp_path: Path) -> None:
    """SIGSTOP leaves connections open and takes nothing."""
    import signal

    rtmp = free_port()
    config = f"rtmp {{ server {{ listen {LOCAL}:{rtmp}; application live {{ live on; }} }} }}"
    camera = ("--camera", "pattern:?size=1280x720&fps=30")
    options = ["--publish", f"rtmp://{LOCAL}:{rtmp}/live/x#crf=1", "--publish", f"hls:{tmp_path}/h"]
    with (
        Nginx(tmp_path / "nginx", config, rtmp) as origin,
        ServerProcess(tmp_path / "rec", *camera, *options) as server,
    ):
        wait_for(lambda: state(server, "rtmp") == "live", "rtmp to be live")
        assert origin.process is not None
        origin.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: targets(server)["rtmp"]["drops"] > 0, "frames to be left out")
        before, began = targets(server)["hls"]["frames"], time.monotonic()
        wait_for(lambda: targets(server)["hls"]["frames"] > before + 15, "hls to go on")
        assert time.monotonic() - began < 30
        origin.process.send_signal(signal.SIGCONT)
