"""Delivery by several processes is the same for viewers and controllers."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.fakes import TINY_JPEG
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess, descendants, wait_for
from tests.support.system import require
from twistedcam import wire
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.wire.messages import FrameMessage

PATTERN = ("--camera", "pattern:?size=320x240&fps=30")


_open: list[socket.socket] = []


@pytest.fixture(autouse=True)
def connections_end() -> Iterator[None]:
    require(HAS_SENDFILE, "workers need Linux")
    yield
    while _open:
        _open.pop().close()


class Viewer:
    """Watches the frame port."""

    def __init__(
        self, address: tuple[str, int], window: int = 2, codecs: tuple[str, ...] = ("mjpeg",)
    ) -> None:
        self.sock = socket.create_connection(address, PATIENCE)
        _open.append(self.sock)
        self.decoder = wire.Decoder()
        self.messages: list[wire.Message] = []
        self.sock.sendall(wire.Join(window=window, codecs=codecs).encode())

    def next(self) -> wire.Message | None:
        """The next message; None at the end of the connection."""
        while not self.messages:
            try:
                data = self.sock.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self.messages += self.decoder.feed(data)
        return self.messages.pop(0)

    def frame(self, acknowledge: bool = True) -> int:
        """The number of the next frame."""
        while True:
            message = self.next()
            assert message is not None, "the connection ended"
            if isinstance(message, FrameMessage):
                if acknowledge:
                    self.sock.sendall(wire.Ack(message.frame.seq).encode())
                assert message.frame.width == 320
                return message.frame.seq

    def fate(self) -> str:
        """Return the first of: ``frame``, the code of an error, or ``end``."""
        while (message := self.next()) is not None:
            if isinstance(message, FrameMessage):
                return "frame"
            if isinstance(message, wire.Error):
                return message.code
        return "end"

    def rest(self) -> list[wire.Message]:
        """All messages until the end of the connection."""
        found = []
        while (message := self.next()) is not None:
            found.append(message)
        return found


def ask(server: ServerProcess, line: str) -> dict[str, object]:
    """The answer to a command."""
    with socket.create_connection(server.control, PATIENCE) as sock, sock.makefile("rw") as file:
        file.readline()
        file.write(f"json on\n{line}\n")
        file.flush()
        file.readline()
        found: dict[str, object] = json.loads(file.readline())
        return found


def workers_of(server: ServerProcess) -> set[int]:
    """The processes below the server."""
    return set(descendants(server.process.pid))


def open_sockets(pid: int) -> set[str]:
    """The sockets of a process: one that waits to be writable has two descriptors."""
    found = set()
    with suppress(OSError):  # the process has ended
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(file))
    return {name for name in found if name.startswith("socket:[")}


def connections(pid: int) -> int:
    """How many TCP sockets a process holds."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return len(open_sockets(pid) & {f"socket:[{line.split()[9]}]" for line in lines})


def ready(server: ServerProcess, count: int) -> None:
    wait_for(lambda: ask(server, "status").get("workers") == count, f"{count} workers")


def test_viewers_are_spread_over_workers_and_all_are_counted(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, *PATTERN, "--workers", "2") as server:
        ready(server, 2)
        viewers = [Viewer(server.frames, window) for window in (0, 1, 2, 8)]
        for viewer in viewers:
            numbers = [viewer.frame() for _ in range(10)]
            assert numbers == sorted(set(numbers))
        assert [connections(pid) for pid in workers_of(server)] == [2, 2]
        status = ask(server, "status")
        assert (status["viewers"], status["delivery"]) == (4, "sendfile")

        def counted() -> bool:
            for viewer in viewers:
                viewer.frame()
            rows = ask(server, "viewers")["viewers"]
            assert isinstance(rows, list)
            return len(rows) == 4 and all(row["frames"] > 5 and row["fps"] > 0 for row in rows)

        wait_for(counted, "the workers' counts")
        viewers[0].sock.close()
        wait_for(lambda: ask(server, "status")["viewers"] == 3, "one viewer less")


def test_a_worker_that_dies_is_started_again_and_the_camera_continues(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path, *PATTERN, "--workers", "2") as server:
        ready(server, 2)
        viewers = [Viewer(server.frames), Viewer(server.frames)]
        for viewer in viewers:
            viewer.frame()
        before = workers_of(server)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: ask(server, "status")["viewers"] == 1, "the dead worker's viewer to go")
        survivors = 0
        for viewer in viewers:
            try:
                for _ in range(5):
                    viewer.frame()
                survivors += 1
            except (AssertionError, ConnectionError):
                again = Viewer(server.frames)
                first = again.frame()
                assert again.frame() > first
        assert survivors == 1
        wait_for(lambda: len(workers_of(server) - {victim}) == 2, "a new worker")
        ready(server, 2)
        status = ask(server, "status")
        assert (status["state"], status["restarts"]) == ("live", 0)


def test_a_worker_without_files_refuses_new_viewers_and_keeps_the_others(tmp_path: Path) -> None:
    options = ("--workers", "1", "--max-connections", "40")
    with ServerProcess(tmp_path, *PATTERN, *options) as server:
        ready(server, 1)
        there = [Viewer(server.frames) for _ in range(4)]
        for viewer in there:
            viewer.frame()
        [worker] = workers_of(server)
        before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        taken = max(int(file.name) for file in Path(f"/proc/{worker}/fd").iterdir())
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (taken + 6, before[1]))
        fates = []
        for _ in range(8):
            late = Viewer(server.frames)
            fates.append(late.fate())
            if fates[-1] == "frame":
                there.append(late)
        assert "too-many" in fates
        for _ in range(5):
            numbers = [viewer.frame() for viewer in there]
            assert all(numbers)
        wait_for(lambda: ask(server, "status")["viewers"] == len(there), "the refused to go")
        resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
        assert Viewer(server.frames).fate() == "frame"
        assert workers_of(server) == {worker}


def test_a_connection_that_a_worker_has_counts_until_it_ends(tmp_path: Path) -> None:
    options = ("--workers", "1", "--max-connections", "4")
    with ServerProcess(tmp_path, *PATTERN, *options) as server:
        ready(server, 1)
        inside: list[Viewer] = []

        def is_full() -> bool:
            viewer = Viewer(server.frames)
            if viewer.fate() == "too-many":
                return len(inside) == 4
            inside.append(viewer)
            return False

        wait_for(is_full, "four viewers, and no more")
        for viewer in inside:
            viewer.frame()
        assert is_full()
        inside.pop().sock.close()
        wait_for(is_full, "another in place of the one who went")


def test_a_kicked_viewer_gets_bye_after_a_complete_frame(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, *PATTERN, "--workers", "1") as server:
        ready(server, 1)
        viewer = Viewer(server.frames)
        viewer.frame()
        rows = ask(server, "viewers")["viewers"]
        assert isinstance(rows, list)
        assert ask(server, f"kick {rows[0]['viewer']}")["ok"]
        assert isinstance(viewer.rest()[-1], wire.Bye)
        wait_for(lambda: ask(server, "status")["viewers"] == 0, "the viewer to go")


def test_the_window_and_all_messages_are_as_without_workers(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, *PATTERN, "--workers", "1") as server:
        ready(server, 1)
        viewer = Viewer(server.frames, window=2)
        first = viewer.frame(acknowledge=False)
        viewer.frame(acknowledge=False)
        viewer.sock.sendall(wire.Ping(b"12345678").encode())
        assert viewer.next() == wire.Pong(b"12345678")  # and no third frame
        viewer.sock.sendall(wire.Ack(first).encode())
        assert viewer.frame() > first + 1
        assert ask(server, "stop")["ok"]
        while not isinstance(message := viewer.next(), wire.State):
            pass
        assert message.state == "stopped"
        viewer.sock.sendall(b"nonsense")
        last = viewer.rest()[-1]
        assert isinstance(last, wire.Error)
        assert last.code == "bad-message"


def test_no_old_frame_follows_the_state_stopped(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path, *PATTERN, "--workers", "1") as server:
        ready(server, 1)
        waiting, other = Viewer(server.frames, window=1), Viewer(server.frames)
        had = waiting.frame(acknowledge=False)
        while other.frame() <= had:  # the worker has a newer one
            pass
        assert ask(server, "stop")["ok"]
        while not isinstance(message := waiting.next(), wire.State) or message.state != "stopped":
            pass
        waiting.sock.sendall(wire.Ack(had).encode() + wire.Ping(b"12345678").encode())
        assert waiting.next() == wire.Pong(b"12345678")  # and no frame


def test_a_server_that_stops_sends_bye_and_leaves_no_process(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, *PATTERN, "--workers", "2") as server:
        ready(server, 2)
        viewers = [Viewer(server.frames), Viewer(server.frames)]
        for viewer in viewers:
            viewer.frame()
        pids = workers_of(server)
        assert len(pids) == 2
        ask(server, "shutdown")
        for viewer in viewers:
            assert isinstance(viewer.rest()[-1], wire.Bye)
        wait_for(lambda: server.process.poll() is not None, "the end")
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the workers' end")


def test_pictures_over_http_come_from_workers_too(tmp_path: Path) -> None:
    port = free_port()
    options = ("--workers", "1", "--http", f"tcp:{port}:interface=127.0.0.1")
    with ServerProcess(tmp_path, *PATTERN, *options) as server:
        ready(server, 1)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
            sock.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            data = b""
            while data.count(b"\xff\xd9\r\n--") < 5:
                data += sock.recv(65536)
            assert data.startswith(b"HTTP/1.1 200 OK\r\n")
            [worker] = workers_of(server)
            assert connections(worker) == 1
            ask(server, "stop")
            seen = data.count(b"image/jpeg")
            more = b""
            while more.count(b"image/jpeg") < 2:  # the placeholder
                more += sock.recv(65536)
            assert seen


def test_sound_comes_from_the_worker_too(tmp_path: Path) -> None:
    track = sound_track("opus", opus_head(1))
    with ServerProcess(tmp_path, "--camera", "cam=push:", "--workers", "1") as server:
        ready(server, 1)
        publisher = socket.create_connection(server.frames, PATIENCE)
        _open.append(publisher)
        publisher.sendall(wire.Join("publish", "cam", window=0).encode())
        publisher.sendall(wire.configuration_message(track))
        publisher.sendall(wire.frame_message(Frame(1, 10**15, 1, 1, TINY_JPEG)))
        wait_for(lambda: ask(server, "status").get("state") == "live", "a picture")
        viewer = Viewer(server.frames, window=0, codecs=("mjpeg", "opus"))
        sounds: list[bytes] = []
        seq, configurations = 1, 0
        wait_for(lambda: ask(server, "status").get("viewers") == 1, "the viewer")
        while len(sounds) < 20:
            seq += 1
            time_us = 10**15 + seq * 20_000
            publisher.sendall(wire.frame_message(Packet(track, seq, time_us, 0, b"s%d" % seq)))
            publisher.sendall(wire.frame_message(Frame(seq, time_us, 1, 1, TINY_JPEG)))
            message = viewer.next()
            while not (isinstance(message, FrameMessage) and message.frame.track.kind == "audio"):
                assert message is not None
                message = viewer.next()
            configurations += message.is_configuration
            if not message.is_configuration:
                sounds.append(message.frame.data)
                assert configurations == 1
        first = int(sounds[0][1:])
        assert sounds == [b"s%d" % (first + number) for number in range(20)]
        assert [connections(pid) for pid in workers_of(server)] == [1]
