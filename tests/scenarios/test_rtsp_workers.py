"""Workers serve RTSP as the server itself does."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.test_workers import ask, open_sockets, workers_of
from tests.support.movies import film_with_sound
from tests.support.process import ServerProcess, wait_for
from tests.support.rtsp_reader import RtspReader
from tests.support.system import require
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.rtsp.rtcp import ReceiverReport, ReportBlock, RtcpBye, SenderReport, parse_rtcp
from twistedcam.rtsp.rtp import parse_rtp

CAMERA = "rtsp://127.0.0.1/test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with two workers, a test picture, and a film with sound."""
    require(HAS_SENDFILE, "workers need Linux")
    folder = tmp_path_factory.mktemp("rtsp")
    (folder / "film.mp4").write_bytes(film_with_sound())
    cameras = ("--camera", "test=pattern:?size=160x120&fps=25")
    cameras += ("--camera", f"film=file:{folder}/film.mp4")
    options = ("--workers", "2", "--rtsp", "tcp:0:interface=127.0.0.1")
    with ServerProcess(folder / "r", *cameras, *options) as running:
        ready(running, 2)
        yield running


@pytest.fixture
def readers(server: ServerProcess) -> Iterator[list[RtspReader]]:
    """Three readers; all end, and the server has noticed it, when the test is over."""
    found = re.search(r"rtsp://[\d.]+:(\d+)", "\n".join(server.greeting))
    assert found
    made = [RtspReader(int(found[1])) for _ in range(3)]
    yield made
    for each in made:
        if each.session:
            each.sock.settimeout(1)
            with contextlib.suppress(OSError, AssertionError):  # it has ended
                each.ask("TEARDOWN", CAMERA)
        each.close()
    wait_for(lambda: not viewers(server), "the end of all viewers")


def ready(server: ServerProcess, count: int) -> None:
    wait_for(lambda: ask(server, "status test").get("workers") == count, f"{count} workers")


def viewers(server: ServerProcess) -> list[dict[str, Any]]:
    found: Any = ask(server, "viewers")["viewers"]
    return list(found)


def in_workers(server: ServerProcess, reader: RtspReader) -> bool:
    """True if a worker has the reader's connection."""
    host, port = reader.sock.getsockname()
    want = f"{_hex(host)}:{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{words[9]}]" for words in lines if words[2] == want}
    return any(open_sockets(pid) & inodes for pid in workers_of(server))


def _hex(host: str) -> str:
    return socket.inet_aton(host)[::-1].hex().upper()


def test_a_connection_goes_to_a_worker_and_comes_back(
    server: ServerProcess, readers: list[RtspReader]
) -> None:
    reader = readers[0]
    for _ in range(2):
        reader.play(CAMERA)
        reader.more()
        wait_for(lambda: in_workers(server, reader), "a worker with the connection")
        assert reader.ask("GET_PARAMETER", CAMERA).status == 200
        reader.more()
        assert reader.ask("PAUSE", CAMERA).status == 200
        assert not in_workers(server, reader)
        assert reader.is_silent()
        assert reader.ask("PLAY", CAMERA).status == 200
        reader.more()
        assert reader.ask("TEARDOWN", CAMERA).status == 200
        assert not in_workers(server, reader)
        reader.session = ""
    assert reader.ask("DESCRIBE", CAMERA).status == 200


def test_viewers_of_workers_are_counted_report_their_loss_and_are_kicked(
    server: ServerProcess, readers: list[RtspReader]
) -> None:
    tcp, udp, _ = readers
    tcp.play(CAMERA)
    rtp, rtcp = udp.play_udp(CAMERA)
    with rtp, rtcp:
        ssrc = parse_rtp(rtp.recv(65536)).ssrc
        report, _ = parse_rtcp(rtcp.recv(65536))
        assert isinstance(report, SenderReport)
        lost = ReceiverReport(1, (ReportBlock(ssrc, 64, 0, 0, 0, 0, 0),)).encode()
        rtcp.sendto(lost, rtcp_source(udp))
        tcp.sock.sendall(b"$\1" + len(lost).to_bytes(2, "big") + lost)

        def are_counted() -> bool:
            tcp.more()
            rows = {row["path"]: row for row in viewers(server)}
            return set(rows) == {"sendfile", "udp"} and all(
                row["kind"] == "rtsp" and row["fps"] and row["loss_percent"] == 25
                for row in rows.values()
            )

        wait_for(are_counted, "the counts of the workers")
        for row in viewers(server):
            assert ask(server, f"kick {row['viewer']}")["ok"]
        assert tcp.ends()
        assert udp.ends()
        *_, bye = parse_rtcp(tcp.newest[1])
        assert isinstance(bye, RtcpBye)


def rtcp_source(reader: RtspReader) -> tuple[str, int]:
    """The server's port of RTCP of a reader by UDP."""
    found = re.search(r"server_port=\d+-(\d+)", reader.transport)
    assert found
    return "127.0.0.1", int(found[1])


def test_sound_comes_between_the_pictures(server: ServerProcess, readers: list[RtspReader]) -> None:
    reader = readers[0]
    assert reader.ask("DESCRIBE", "rtsp://127.0.0.1/film").status == 200
    reader.play("rtsp://127.0.0.1/film", tracks=2)
    for channel in (0, 1, 2, 3):
        reader.more(channel, 1 if channel % 2 else 10)
    assert in_workers(server, reader)


def test_readers_stay_while_the_camera_is_stopped_and_a_dead_worker_takes_only_its_own(
    server: ServerProcess, readers: list[RtspReader]
) -> None:
    for each in readers:
        each.play(CAMERA)
        each.more()
    assert ask(server, "stop test")["ok"]
    for each in readers:
        each.more(count=2)
    assert ask(server, "start test")["ok"]
    for each in readers:
        each.more(count=20)
    os.kill(min(workers_of(server)), signal.SIGKILL)
    wait_for(lambda: len(viewers(server)) < 3, "the end of the dead worker's viewers")
    ended = 0
    for each in readers:
        try:
            each.more(count=50)
        except AssertionError:
            ended += 1
    assert ended in (1, 2)
    assert len(viewers(server)) == 3 - ended
    again = RtspReader(readers[0].sock.getpeername()[1])
    readers.append(again)
    again.play(CAMERA)
    again.more()
    ready(server, 2)
