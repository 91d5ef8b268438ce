"""Real servers as sources: pictures come, a dead one is noticed, one that is back is taken."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakecam import jpeg_size
from tests.support.camera_rig import EventReader, Viewer
from tests.support.process import ServerProcess, wait_for
from tests.support.source_peers import PASSWORD, USER, Peer, apache, nginx, rtsp


def check(source: str, peer: Peer, folder: Path, *, dies: bool, reason: str, encoded: bool) -> None:
    """A server that has this source, from its first picture over the peer's death to its return.

    Arguments:
        dies: whether the peer is killed; if not, it stops without a word.
        reason: what the camera says then.
        encoded: whether pictures have to be made into JPEGs; the camera's own are passed through.
    """
    with ServerProcess(folder, "--camera", source, "--http", "tcp:0:interface=127.0.0.1") as server:
        with EventReader(server.control) as events, Viewer(server.frames) as viewer:
            assert jpeg_size(viewer.frames(3)[-1].jpeg) == (320, 240)
            status = server.status()
            assert (int(status["encoded"]) > 0) is encoded
            assert int(status["passed_through"]) > 0
            if dies:
                peer.kill()
            else:
                assert peer.process is not None
                peer.process.send_signal(signal.SIGSTOP)
            _, line = events.wait_for("state=recovering")
            assert reason in line
            told = "\n".join([line, *server.command_lines("status", "cameras", "get cam")])
            peer.kill()
            peer.start()
            wait_for(lambda: server.status()["state"] == "live", "its return")
            while [state.state for state in viewer.states][-2:] != ["recovering", "live"]:
                viewer.frames(1)
            told += "\n".join(map(str, viewer.states))
        told += server.log
    assert USER not in told
    assert PASSWORD not in told
    assert "***@127.0.0.1" in told


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site whose pictures the peers pass on."""
    folder = tmp_path_factory.mktemp("origin")
    words = ("--camera", "pattern:?size=320x240&fps=10", "--http", "tcp:0:interface=127.0.0.1")
    with ServerProcess(folder, *words) as server:
        yield server.http


def test_an_rtsp_server_s_h264_is_seen_and_its_silence_noticed(tmp_path: Path) -> None:
    with rtsp() as peer:
        source = f"cam={peer.address('rtsp', '/h264')}"
        check(source, peer, tmp_path, dies=False, reason="nothing came for 5 s", encoded=True)


def test_an_rtsp_server_s_jpegs_are_passed_through_and_its_end_noticed(tmp_path: Path) -> None:
    with rtsp() as peer:
        source = f"cam={peer.address('rtsp', '/jpeg')}"
        check(source, peer, tmp_path, dies=True, reason="127.0.0.1", encoded=False)


def test_mjpeg_behind_nginx_and_a_basic_password_is_passed_through(
    tmp_path: Path, origin: str
) -> None:
    with nginx(tmp_path, origin) as peer:
        source = f"cam={peer.address('http', '/stream')}"
        check(source, peer, tmp_path, dies=True, reason="127.0.0.1", encoded=False)


def test_snapshots_behind_nginx_are_asked_for_again_and_again(tmp_path: Path, origin: str) -> None:
    with nginx(tmp_path, origin) as peer:
        source = f"cam={peer.address('http', '/snapshot')}#fps=10"
        check(source, peer, tmp_path, dies=True, reason="127.0.0.1", encoded=False)


def test_mjpeg_behind_apache_and_a_digest_is_passed_through(tmp_path: Path, origin: str) -> None:
    with apache(origin) as peer, peer:
        source = f"cam={peer.address('http', '/stream')}"
        check(source, peer, tmp_path, dies=True, reason="127.0.0.1", encoded=False)
