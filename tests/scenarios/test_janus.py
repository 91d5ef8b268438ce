"""Janus shows a camera by WebRTC in a browser, with the configuration of docs/other-servers.md."""

from __future__ import annotations

import glob
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chromium import Page
from tests.support.documents import blocks
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.system import require, require_program
from twistedcam.auth import Grant
from twistedcam.auth.tokens import TokenFile

#: What Janus's own page does: join the mountpoint, answer its offer, play the track.
SCRIPT = """
const api = arguments[0];
const ask = async (path, message) => (await fetch(api + path, {
  method: "POST", body: JSON.stringify({transaction: String(Math.random()), ...message})})).json();
const gathered = (peer) => new Promise((done) => {
  const look = () => peer.iceGatheringState === "complete" && done();
  peer.onicegatheringstatechange = look;
  look();
});
const watch = async () => {
  const session = (await ask("", {janus: "create"})).data.id;
  const attach = {janus: "attach", plugin: "janus.plugin.streaming"};
  const path = `/${session}/${(await ask(`/${session}`, attach)).data.id}`;
  const peer = window.peer = new RTCPeerConnection();
  peer.ontrack = (event) => {
    const video = document.body.appendChild(document.createElement("video"));
    video.muted = true;
    video.srcObject = new MediaStream([event.track]);
    video.play();
  };
  await ask(path, {janus: "message", body: {request: "watch", id: 1}});
  for (;;) {
    const event = await (await fetch(`${api}/${session}?rid=${Date.now()}`)).json();
    if (event.jsep) {
      await peer.setRemoteDescription(event.jsep);
      await peer.setLocalDescription(await peer.createAnswer());
      await gathered(peer);
      const jsep = {type: "answer", sdp: peer.localDescription.sdp};
      return ask(path, {janus: "message", body: {request: "start"}, jsep});
    }
  }
};
watch();
"""
PLAYED = """
const video = document.querySelector("video");
return video && video.videoWidth && video.currentTime > 1
  ? [video.videoWidth, video.videoHeight] : null;
"""


@pytest.fixture
def mountpoint(tmp_path: Path) -> Iterator[str]:
    """The documented mountpoint for a server with tokens, with its address and token."""
    tokens = tmp_path / "tokens.toml"
    token = TokenFile(tokens).add(Grant("janus", frozenset({"view"})))
    options = ["--rtsp", "tcp:0:interface=127.0.0.1", "--tokens", str(tokens)]
    options += ["--camera", "door=pattern:?size=640x360&fps=15"]
    [text] = [each.text for each in blocks("text") if 'type = "rtsp"' in each.text]
    with ServerProcess(tmp_path / "recordings", *options) as server:
        found = re.search(r"rtsp://[\d.:]+", "\n".join(server.greeting))
        assert found is not None
        yield text.replace("rtsp://10.0.0.5:8554", found[0]).replace("TOKEN", token)


@pytest.fixture
def janus(tmp_path: Path, mountpoint: str) -> Iterator[str]:
    """The address of a Janus with this mountpoint."""
    program = require_program("janus")
    folders = glob.glob("/usr/lib/*/janus")
    require(folders, "Janus has no plugins")
    port = free_port()
    config = tmp_path / "janus"
    config.mkdir()
    (config / "janus.plugin.streaming.jcfg").write_text(mountpoint)
    (config / "janus.transport.http.jcfg").write_text(
        f'general: {{ base_path = "/janus"\n http = true\n port = {port}\n ip = "127.0.0.1" }}'
    )
    others = ",".join(
        Path(each).name
        for kind in ("plugins", "transports")
        for each in glob.glob(f"{folders[0]}/{kind}/*.so")
        if "_streaming" not in each and "_http" not in each
    )
    (config / "janus.jcfg").write_text(
        f'general: {{ configs_folder = "{config}"\n plugins_folder = "{folders[0]}/plugins"\n'
        f' transports_folder = "{folders[0]}/transports"\n events_folder = "{config}" }}\n'
        f'plugins: {{ disable = "{others}" }}\ntransports: {{ disable = "{others}" }}\n'
    )
    with (config / "log").open("w") as log:
        running = subprocess.Popen(
            [program, "--configs-folder", str(config)], stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}/janus"
            wait_for(lambda: answers(f"{address}/info"), (config / "log").read_text())
            yield address
        finally:
            running.terminate()
            running.wait(PATIENCE)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_browser_plays_the_camera(janus: str, browser: Page) -> None:
    browser.chrome.get(f"{janus}/info")
    browser.chrome.execute_script(SCRIPT, janus)
    size = browser.wait(lambda: browser.chrome.execute_script(PLAYED), "a video that plays")
    assert size == [640, 360]
