"""The viewer's way to the control port: plain, encrypted, by a socket file."""

from __future__ import annotations

import asyncio
import queue
from pathlib import Path

import pytest

from client.steering import RemoteControl, parse_control
from tests.support.guarded import guarded
from tests.support.process import PATIENCE, run_program
from twistedcam import Frame, connect
from twistedcam.clients.frames import CameraAddress
from twistedcam.errors import BadArgument
from twistedcam.tls.client import Trust
from twistedcam.tls.known_servers import KnownServers

PLAIN, SECURE = CameraAddress("host"), CameraAddress("::1", tls=True)
SOCKET = CameraAddress("", 0, path="/run/cam")


@pytest.mark.parametrize(
    ("text", "target", "endpoint"),
    [
        ("", PLAIN, "tcp:host:9531"),
        (":99", PLAIN, "tcp:host:99"),
        ("other", PLAIN, "tcp:other:9531"),
        ("[::2]:99", PLAIN, "tcp:::2:99"),
        ("", SECURE, "tls:::1:9531"),
        (":99", SECURE, "tls:::1:99"),
        ("tcp:localhost:9531", SECURE, "tcp:localhost:9531"),
        ("unix:/run/control", SOCKET, "unix:/run/control"),
        (":99", CameraAddress("tcp"), "tcp:tcp:99"),
    ],
)
def test_what_is_left_out_is_the_camera_s(text: str, target: CameraAddress, endpoint: str) -> None:
    assert parse_control(text, target) == endpoint


@pytest.mark.parametrize(
    ("text", "target"), [("host:x", PLAIN), (":²", PLAIN), (":0", PLAIN), ("", SOCKET)]
)
def test_what_is_no_address_is_refused(text: str, target: CameraAddress) -> None:
    with pytest.raises(BadArgument, match="control port"):
        parse_control(text, target)


def steer(endpoint: str, token: str | None, trust: Trust, *words: str) -> str:
    """What a person is told about a command."""
    answers: queue.Queue[str] = queue.Queue()
    steering = RemoteControl(endpoint, token, trust, answers.put)
    steering.send(*words)
    try:
        return answers.get(timeout=PATIENCE)
    finally:
        steering.close()


def test_steering_and_viewing_by_tls_and_by_socket_files(tmp_path: Path) -> None:
    with guarded(tmp_path) as here:
        tls, unix = f"tls:127.0.0.1:{here.control}", f"unix:{tmp_path}/control"
        known_servers = KnownServers(tmp_path / "servers.json")

        told = steer(tls, here.token, Trust(here.fingerprint), "stop", "cam")
        assert told == "stop cam: OK"
        assert here.fingerprint in steer(tls, here.token, Trust("0" * 64), "start", "cam")
        said: list[str] = []
        seen = Trust(
            known_servers=known_servers, tell=said.append
        )  # taken at first sight, and then no other
        assert steer(tls, here.token, seen, "start", "cam") == "start cam: OK"
        assert here.fingerprint in said.pop()
        assert steer(tls, here.token, seen, "ping").startswith("ping: OK")
        assert not said
        known_servers.put(f"127.0.0.1:{here.control}", "0" * 64)
        assert "another certificate than before" in steer(tls, here.token, seen, "ping")
        assert "not trusted" in steer(tls, here.token, Trust(), "ping")

        assert "does not have the right" in steer(unix, here.viewing, Trust(), "stop", "cam")
        assert "token" in steer(unix, None, Trust(), "stop", "cam")
        assert steer(unix, here.token, Trust(), "start", "cam") == "start cam: OK"
        assert "no server" in steer(f"unix:{tmp_path}/none", None, Trust(), "start")

        url = f"twistedcam+unix:{tmp_path}/frames?camera=cam"
        ways = ("view", "--headless", "--once", "--frames", "3", "--token", here.viewing)
        assert run_program("twistedcam", *ways, url).returncode == 0
        source, secure = "pattern:?size=160x120", f"twistedcams://127.0.0.1:{here.frames}/cam"
        publish = ("publish", "--token", here.token)
        for words, said in (((), "not trusted"), (("--fingerprint", "0" * 64), "another")):
            done = run_program("twistedcam", *publish, *words, source, secure)
            assert (done.returncode, said in done.stderr) == (1, True), done.stderr

        encrypted = f"twistedcams://127.0.0.1:{here.frames}/cam?fingerprint={here.fingerprint}"
        for each in (url, encrypted):
            assert next(iter(connect(each, token=here.viewing))).image.shape == (240, 320, 3)
            assert asyncio.run(first(each, here.viewing)).image.shape == (240, 320, 3)


async def first(url: str, token: str) -> Frame:
    """A camera's first frame, under asyncio."""
    async for frame in connect(url, token=token):
        return frame
    raise AssertionError
