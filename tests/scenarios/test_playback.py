"""Looking back with a real server: over the seams of a recording that goes on, and after a kill."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from itertools import pairwise
from pathlib import Path

from tests.support.films import read_film
from tests.support.http_server import serve
from tests.support.movies import START, make_numbered, numbers_in, times_in
from tests.support.process import PATIENCE, ServerProcess, wait_for

CAMERA = "door=pattern:?size=320x240&fps=25"


def names(folder: Path) -> list[str]:
    return sorted(each for each in os.listdir(folder) if each.endswith(".mp4"))


def test_a_recording_plays_over_its_segments_while_it_goes_on(tmp_path: Path) -> None:
    record = ["--record", "segment=1s", "--record", "at_start=on", "--record", "crf=10"]
    with serve(tmp_path, "--camera", CAMERA, *record) as server:
        wait_for(lambda: len(names(tmp_path)) >= 2, "two segments")
        sizes = lambda: [part.stat().st_size for part in tmp_path.glob(".*.part")]  # noqa: E731
        wait_for(lambda: sum(sizes()) > 60_000, "a part of a third one")
        start = os.stat(tmp_path / names(tmp_path)[0]).st_mtime - 0.8
        url = f"{server.http}/playback/door?start={start}&duration=60"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            film = answer.read()
            announced = int(answer.headers["Content-Length"])
    assert len(film) == announced
    shown = numbers_in(film)
    assert len(shown) > 25 and None not in shown
    assert [after - before for before, after in pairwise(shown)] == [1] * (len(shown) - 1)
    steps = [after - before for before, after in pairwise(times_in(film))]
    assert max(steps) < 1  # a busy machine may delay a picture


def test_a_server_that_is_killed_during_an_export_leaves_the_whole_file_or_none(
    tmp_path: Path,
) -> None:
    for number in range(4):
        make_numbered(tmp_path / f"{number}.mp4", number * 300, 300)
    kept = names(tmp_path)
    with (
        ServerProcess(tmp_path, "--camera", CAMERA, "--stopped") as server,
        socket.create_connection(server.control) as controller,
    ):
        controller.sendall(f"export door {START} 200s out.mp4\n".encode())
        wait_for(lambda: [each for each in os.listdir(tmp_path) if "out.mp4" in each], "a file")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    (tmp_path / ".other.mp4.whole").write_bytes(b"what an earlier one has left")
    with ServerProcess(tmp_path, "--camera", CAMERA, "--stopped") as server:
        wait_for(lambda: not list(tmp_path.glob(".*.whole")), "that it is removed")
        listed = server.command_lines("spans door")
    assert "out.mp4" not in str(listed)  # an export counts only where its recordings are gone
    if (tmp_path / "out.mp4").exists():
        assert len(read_film(tmp_path / "out.mp4").times) == 1200
        (tmp_path / "out.mp4").unlink()
    assert names(tmp_path) == kept
