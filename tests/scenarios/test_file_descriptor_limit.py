"""When all files that the process may have are used up, those who are in feel nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.films import read_film
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.system import require
from tests.support.viewer import Viewer
from twistedcam import wire

FILES = 64
CAMERA = "pattern:?size=640x480&fps=15"


class SmallServer(ServerProcess):
    """A server that may have few files."""

    # The file that Twisted lets go of to refuse somebody may go to the recording's thread.
    excused = "Could not reserve EMFILE recovery.*?Too many open files"

    def __enter__(self) -> SmallServer:
        self.command = ["sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", *self.command]
        super().__enter__()
        return self

    @property
    def files(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def crowd(address: tuple[str, int], count: int) -> Iterator[list[socket.socket]]:
    """Many who join, have the tiniest of buffers, and do not read."""
    with contextlib.ExitStack() as stack:
        people = []
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(PATIENCE)
            with contextlib.suppress(OSError):
                one.connect(address)
                one.sendall(wire.Join("view", "cam", None, 0).encode())
            people.append(one)
        yield people


def fate(one: socket.socket) -> str:
    """What became of one of them."""
    one.settimeout(PATIENCE)
    try:
        data = one.recv(4096)
    except OSError:
        return "refused"
    return "told" if b"too-many" in data else "in" if data else "refused"


def test_who_comes_is_told_or_refused_and_the_others_feel_nothing(tmp_path: Path) -> None:
    require(Path("/proc/self/fd").exists(), "/proc")
    options = ["--camera", CAMERA, "--record", "segment=1s", "--record-format", "copy"]
    with SmallServer(tmp_path, *options) as server:
        viewer = Viewer(server.frames)
        viewer.until(wire.FrameMessage)
        server.command_lines("record start cam")
        with crowd(server.frames, 200) as people:
            fates = [fate(one) for one in people]
            for _ in range(45):
                viewer.until(wire.FrameMessage)  # three seconds
            assert set(fates) <= {"in", "told", "refused"}
            assert fates.count("in") < FILES
            assert fates.count("told") > 0
            assert server.files < FILES
            used, began = server.cpu, time.monotonic()
            for _ in range(15):
                viewer.until(wire.FrameMessage)
            share = (server.cpu - used) / (time.monotonic() - began)
            assert share < 0.8, "the server spins"
        wait_for(lambda: server.files < FILES / 2, "all to be gone")
        late = Viewer(server.frames)
        late.until(wire.FrameMessage)
        late.close()
        answer = server.command_lines("record stop cam")
        assert answer[-1] == "OK"
        assert "dropped: 0" in answer, server.log
        viewer.close()
    films = sorted(tmp_path.glob("*.mkv"))
    assert len(films) >= 4
    assert not list(tmp_path.glob(".*.part"))
    frames = sum(len(read_film(path).times) for path in films)
    told = next(int(each.split()[1]) for each in answer if each.startswith("frames:"))
    assert frames == told
