"""A server that publishes to real peers: nginx's RTMP, ffmpeg as RTSP server, HLS, WHIP."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.support.films import read_film
from tests.support.ports import free_port
from tests.support.process import ServerProcess, descendants, wait_for
from tests.support.publish_peers import LOCAL, Nginx, WebServer, rtsp_listener
from tests.support.publish_status import CAMERA, probe, state, targets
from tests.support.system import require

KEY = "S3CRET-KEY"


@dataclass
class Published:
    """A server that publishes to all kinds of targets at once."""

    server: ServerProcess
    folder: Path
    web: WebServer
    #: Where it is published to, by target.
    urls: dict[str, str]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("published")
    rtmp, rtsp, dead = free_port(), free_port(), free_port()
    config = f"rtmp {{ server {{ listen {LOCAL}:{rtmp}; application live {{ live on; }} }} }}"
    with ExitStack() as peers:
        web = peers.enter_context(WebServer())
        peers.enter_context(Nginx(folder / "nginx", config, rtmp))
        peers.enter_context(rtsp_listener(rtsp, folder / "rtsp.ts"))
        silent = peers.enter_context(socket.create_server((LOCAL, 0)))  # takes, and says nothing
        there = f"http://{LOCAL}:{web.port}"
        urls = {
            "rtmp": f"rtmp://{LOCAL}:{rtmp}/live/{KEY}",
            "rtsp": f"rtsp://{LOCAL}:{rtsp}/cam",
            "hls": f"hls:{folder}/hls",
            "dead": f"rtmp://{LOCAL}:{dead}/live/{KEY}",
            "silent": f"rtmp://{LOCAL}:{silent.getsockname()[1]}/live/x",
            "put": f"hls:{there}/up/live.m3u8",
        }
        if "whip" in av.formats_available:
            urls["whip"] = f"whip:{there}/whip/{KEY}#token=T0K3N"
        options = []
        for name, url in urls.items():
            options += ["--publish", f"{url}{'&' if '#' in url else '#'}name={name}"]
        with ServerProcess(folder / "rec", *CAMERA, *options) as server:
            yield Published(server, folder, web, urls)
        assert KEY not in server.log and "T0K3N" not in server.log


def test_one_encode_goes_to_all_targets_and_the_recording(published: Published) -> None:
    server, folder = published.server, published.folder
    for name in ("rtmp", "rtsp", "hls", "put"):
        wait_for(lambda name=name: state(server, name) == "live", f"{name} to be live")
    assert server.command_lines("record start x.mp4")[-1] == "OK"
    codec, width, packets = probe(published.urls["rtmp"])
    assert (codec, width) == ("h264", "320")
    assert int(packets) > 1
    old = min((folder / "hls").glob("*.ts"))
    wait_for(lambda: not old.exists(), "an old segment to be removed")
    assert probe(str(folder / "hls/live.m3u8"))[:2] == ["h264", "320"]
    assert len(list((folder / "hls").glob("*.ts"))) <= 10
    stopped = dict(line.split(": ") for line in server.command_lines("record stop")[:-1])
    now = targets(server)
    assert (now["rtsp"]["faults"], now["hls"]["faults"], now["put"]["faults"]) == (0, 0, 0)
    assert now["rtmp"]["connects"] == 1
    film = read_film(folder / "rec/x.mp4")
    assert film.seconds > 1
    assert (len(film.times), stopped["dropped"]) == (int(stopped["frames"]), "0")
    assert film.stream["color_range"] == "tv"


def test_a_target_that_is_dead_or_silent_costs_the_others_nothing(published: Published) -> None:
    """A peer that accepts and is silent would hold anybody who waits for it."""
    server = published.server
    wait_for(lambda: targets(server)["hls"]["frames"] > 60, "two seconds of video")
    now = targets(server)
    assert now["hls"]["drops"] == 0
    assert now["dead"]["faults"] >= 1
    assert "Connection refused" in now["dead"]["last_fault"]
    assert now["silent"]["connects"] == 0
    assert now["silent"]["last_fault"] in (None, "no answer within 15 s")


def test_hls_is_put_to_a_web_server_and_old_segments_are_deleted(published: Published) -> None:
    web = published.web
    wait_for(lambda: web.has_taken("PUT", "/up/live.m3u8"), "a playlist")
    wait_for(lambda: "DELETE" in [each.method for each in list(web.begun)], "an old segment to go")
    seen = {""}
    for each in [each for each in list(web.taken) if each.method == "PUT"]:
        if each.path == "/up/live.m3u8":
            listed = [line for line in each.body.splitlines() if not line.startswith("#")]
            assert listed and seen.issuperset(listed)  # a segment is there before it is listed
        seen.add(each.path.removeprefix("/up/"))


def test_a_web_server_that_refuses_whip_is_quoted(published: Published) -> None:
    require("whip" in published.urls, "this FFmpeg has no WHIP")
    server = published.server
    wait_for(lambda: "403" in str(targets(server)["whip"]["last_fault"]), "the refusal")
    offer = next(each for each in list(published.web.taken) if each.path == f"/whip/{KEY}")
    assert (offer.type, offer.authorization) == ("application/sdp", "Bearer T0K3N")
    assert offer.body.startswith("v=0")
    assert "H264" in offer.body


def test_keys_are_shown_to_nobody(published: Published) -> None:
    server = published.server
    assert KEY not in str(targets(server)) + str(server.status())
    assert targets(server)["dead"]["url"].endswith("/live/***")
    senders = wait_for(lambda: len(found := command_lines(server)) >= 4 and found, "the senders")
    assert KEY not in str(senders)


def test_targets_stop_one_by_one(tmp_path: Path) -> None:
    with socket.create_server((LOCAL, 0)) as silent:
        there = f"rtmp://{LOCAL}:{silent.getsockname()[1]}/live/x#name=silent"
        options = ["--publish", there, "--publish", f"hls:{tmp_path}/hls#name=hls"]
        with ServerProcess(tmp_path / "rec", *CAMERA, *options) as server:
            wait_for(lambda: state(server, "hls") == "live", "hls to be live")
            assert server.command_lines("publish stop silent")[-1] == "OK"
            assert (state(server, "silent"), state(server, "hls")) == ("stopped", "live")
            assert "no target 'x'" in server.command_lines("publish stop cam x")[-1]
            assert "silent stopped" in server.status()["published"]
            assert server.command_lines("publish stop")[-1] == "OK"
            assert {each["state"] for each in targets(server).values()} == {"stopped"}
            wait_for(lambda: not descendants(server.process.pid), "all senders to end")


def command_lines(server: ServerProcess) -> list[str]:
    """Those of the programs that a server has started."""
    found = []
    own = Path(f"/proc/{server.process.pid}/cmdline").read_text()
    for each in descendants(server.process.pid):
        with suppress(OSError):  # one that has ended
            found.append(Path(f"/proc/{each}/cmdline").read_text())
    return [each for each in found if each and each != own]  # a copy is no program yet


def test_a_stalled_target_is_given_up_and_others_go_on(tmp_path: Path) -> None:
    """SIGSTOP leaves connections open and takes nothing."""
    rtmp = free_port()
    config = f"rtmp {{ server {{ listen {LOCAL}:{rtmp}; application live {{ live on; }} }} }}"
    noise = tmp_path / "noise"  # nothing else fills the system's buffers as fast
    noise.mkdir()
    dice = np.random.default_rng(1)
    for number in range(4):
        picture = dice.integers(0, 256, (240, 320, 3), np.uint8)
        assert cv2.imwrite(str(noise / f"{number}.jpg"), picture)
    camera = ("--camera", f"folder:{noise}?fps=30")
    options = ["--publish", f"rtmp://{LOCAL}:{rtmp}/live/x#crf=1", "--publish", f"hls:{tmp_path}/h"]
    with (
        Nginx(tmp_path / "nginx", config, rtmp) as origin,
        ServerProcess(tmp_path / "rec", *camera, *options) as server,
    ):
        wait_for(lambda: state(server, "rtmp") == "live", "rtmp to be live")
        assert origin.process is not None
        origin.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: targets(server)["rtmp"]["drops"] > 0, "frames to be left out")
        before = targets(server)["hls"]["frames"]
        wait_for(lambda: targets(server)["hls"]["frames"] > before + 15, "hls to go on")
        origin.process.send_signal(signal.SIGCONT)
