"""RTSP and other streams: a refused log-in is said as one, and no port is open to others."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http_camera import opened, read
from tests.support.process import PATIENCE, wait_for
from tests.support.source_peers import PASSWORD, USER, Peer, rtsp
from twistedcam.errors import BadArgument, CameraFailed, LoginRefused
from twistedcam.sources import ffmpeg as stream
from twistedcam.sources.ffmpeg import FfmpegSource, local_address, name_of
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse


@pytest.fixture(scope="module")
def camera() -> Iterator[Peer]:
    """A real RTSP server with a password."""
    with rtsp() as peer:
        yield peer


def _udp() -> set[str]:
    """The addresses of this process's UDP ports, as the kernel writes them."""
    inodes = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
                inodes.add(match[1])
    lines = (Path("/proc/net/udp").read_text() + Path("/proc/net/udp6").read_text()).splitlines()
    rows = (line.split() for line in lines if ":" in line)
    return {row[1] for row in rows if len(row) > 9 and row[9] in inodes}


@pytest.mark.parametrize("user", [f"{USER}:wr0ng@", f"wr0ng:{PASSWORD}@"])
def test_a_wrong_password_is_said_as_that(camera: Peer, user: str) -> None:
    with (
        pytest.raises(
            LoginRefused, match="refuses this user name or password: change them"
        ) as error,
        opened(f"rtsp://{user}127.0.0.1:{camera.port}/h264#reader=ffmpeg"),
    ):
        pass
    assert "wr0ng" not in str(error.value)


def test_a_missing_password_is_said_as_that(camera: Peer) -> None:
    with (
        pytest.raises(LoginRefused, match="needs a user name and a password"),
        opened(f"rtsp://127.0.0.1:{camera.port}/h264#reader=ffmpeg"),
    ):
        pass


def test_by_default_no_udp_port_is_opened(camera: Peer) -> None:
    before = _udp()
    with opened(f"{camera.address('rtsp', '/h264')}#reader=ffmpeg") as source:
        read(source)
        assert _udp() - before == set()


def test_over_udp_pictures_come_too(camera: Peer) -> None:
    with opened(f"{camera.address('rtsp', '/h264')}#reader=ffmpeg&transport=udp") as source:
        assert read(source).image is not None


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("rtsp://127.0.0.1/x", ""),
        ("udp://127.0.0.1:5000", "127.0.0.1"),
        ("rtp://127.0.0.1:5000", "127.0.0.1"),
        ("udp://0.0.0.0:5000", ""),
        ("udp://192.0.2.1:5000", ""),  # no address of this machine
        ("http://127.0.0.1/", ""),
        ("udp://[", ""),
    ],
)
def test_only_an_address_of_this_machine_is_bound(url: str, address: str) -> None:
    assert local_address(url) == address


@pytest.mark.parametrize("scheme", ["udp", "rtp"])
def test_a_stream_over_udp_is_taken_on_its_own_address_alone(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(stream, "TIMEOUT", 1.0)
    source = FfmpegSource(f"{scheme}://127.0.0.1:{port}")

    def fail() -> None:
        with contextlib.suppress(CameraFailed):
            source.open()

    before = _udp()
    thread = threading.Thread(target=fail)
    thread.start()
    count = 2 if scheme == "rtp" else 1  # RTCP has the port behind it
    wait_for(lambda: len(_udp() - before) == count, "the ports")
    assert {each.partition(":")[0] for each in _udp() - before} == {"0100007F"}  # 127.0.0.1
    thread.join(PATIENCE)
    source.close()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("rtsp://u:p@h:554/s", "h:554"),
        ("/films/a clip.ts", "a clip.ts"),
        ("clip.ts", "clip.ts"),
        ("file:///films/clip.ts", "clip.ts"),
        ("file:clip.ts", "clip.ts"),
        ("rtsp://u:SECRET/x@h/s", "h"),
        ("tcp://127.0.0.1:9", "127.0.0.1:9"),
    ],
)
def test_messages_have_the_stream_s_name(url: str, name: str) -> None:
    assert name_of(url) == name


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(CameraFailed, match=r"gone\.ts: No such file"),
        opened(f"ffmpeg:{tmp_path / 'gone.ts'}"),
    ):
        pass


@pytest.mark.parametrize("text", ["ffmpeg://[", "ffmpeg:http://[", "ffmpeg:http:///x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        make_source(parse(text))
