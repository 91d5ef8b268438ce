"""A target's certificate is checked, whatever the protocol; one that will not do is said so."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import av
import pytest

from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for
from tests.support.publish_peers import LOCAL, Nginx, Program, WebServer, is_open, rtsp_listener
from tests.support.publish_status import CAMERA, state, targets
from tests.support.system import require
from tests.support.tunnel import Tunnel
from twistedcam.tls.certificate import make_certificate

TOKEN = "T0K3N"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a certificate that signs itself, and its key."""
    folder = tmp_path / "own"
    make_certificate(folder, ["localhost", LOCAL], datetime.now(UTC))
    return folder


def test_only_certificates_that_are_trusted_are_sent_to(tmp_path: Path, own: Path) -> None:
    rtmp, rtsp, nothing = free_port(), free_port(), free_port()
    config = f"rtmp {{ server {{ listen {LOCAL}:{rtmp}; application live {{ live on; }} }} }}"
    with ExitStack() as peers:
        web = peers.enter_context(WebServer())
        peers.enter_context(Nginx(tmp_path / "nginx", config, rtmp))
        peers.enter_context(rtsp_listener(rtsp, tmp_path / "rtsp.ts"))
        ports = {"rtmps": rtmp, "rtsps": rtsp, "https": web.port, "none": nothing}
        tls = {name: peers.enter_context(Tunnel(own, port)).port for name, port in ports.items()}
        options: list[str] = []
        for scheme, before, path in (
            ("rtmps", "", "/live/KEY-1"),
            ("rtsps", "", "/cam"),
            ("https", "hls:", "/up/live.m3u8"),
        ):
            for name, port, more in (
                (f"{scheme}-good", tls[scheme], f"&ca={own}/cert.pem"),
                (f"{scheme}-bad", tls["none"], ""),
            ):
                url = f"{before}{scheme}://{LOCAL}:{port}{path}#name={name}{more}"
                options += ["--publish", url]
        url = f"rtmps://{LOCAL}:{tls['rtmps']}/live/KEY-2#name=unchecked&verify=0"
        options += ["--publish", url]
        with ServerProcess(tmp_path / "rec", *CAMERA, *options) as server:
            for name in ("rtmps-good", "rtsps-good", "https-good", "unchecked"):
                wait_for(lambda name=name: state(server, name) == "live", f"{name} to be live")
            for name in ("rtmps-bad", "rtsps-bad", "https-bad"):
                wait_for(lambda name=name: targets(server)[name]["last_fault"], f"{name} to fail")
                said = targets(server)[name]["last_fault"]
                assert "certificate is not trusted" in said and "add #ca=" in said, (
                    name,
                    said,
                )
                assert targets(server)[name]["connects"] <= (name == "https-bad")
            wait_for(lambda: web.has_taken("PUT", "/up/live.m3u8"), "a playlist")
            assert targets(server)["https-good"]["faults"] == 0
            assert "KEY-" not in str(targets(server)) + server.log


def test_whip_is_accepted_over_https_lost_and_found(tmp_path: Path, own: Path) -> None:
    require("whip" in av.formats_available, "this FFmpeg has no WHIP")
    require(importlib.util.find_spec("aiortc"), "no WebRTC server: pip install aiortc")
    inner = free_port()
    said = tmp_path / "said"
    peer = WhipServer(inner, said)
    with Tunnel(own, inner) as outer, peer:
        url = f"whip:https://{LOCAL}:{outer.port}/whip/KEY#token={TOKEN}&ca={own}/cert.pem"
        with ServerProcess(tmp_path / "rec", *CAMERA, "--publish", url) as server:
            wait_for(lambda: said.read_text().count("frame 320 240") > 30, "a second of pictures")
            assert targets(server)["whip"]["faults"] == 0
            peer.kill()
            wait_for(lambda: state(server, "whip") == "waiting", "the loss to be noticed")
            said.write_text("")
            peer.start()
            wait_for(lambda: "frame 320 240" in said.read_text(), "the way back")
            assert server.command_lines("publish stop")[-1] == "OK"
            wait_for(lambda: "delete" in said.read_text(), "the goodbye")
            assert "KEY" not in server.log and TOKEN not in server.log


class WhipServer(Program):
    """tests/support/whip.py; what it says is in a file."""

    def __init__(self, port: int, said: Path) -> None:
        super().__init__(sys.executable, "-m", "tests.support.whip", str(port))
        self._port, self._said = port, said

    def start(self, out: IO[bytes] | int = subprocess.DEVNULL) -> None:
        """Start it, and wait until it listens."""
        with self._said.open("ab") as file:
            super().start(file)
        wait_for(lambda: is_open(self._port), "the WHIP server")
