"""A server on a file system without locks, links or folders that can be synced."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from tests.support.fakes import InlineReader
from tests.support.films import read_film
from tests.support.oddfs import odd_file_system
from tests.support.process import ServerProcess, wait_for
from twistedcam.recording.library import recovery
from twistedcam.runtime.file_system import WriterLock

CAMERA = "pattern:?size=320x240&fps=30"


def test_it_records_and_recovers_where_the_file_system_has_nothing(tmp_path: Path) -> None:
    env = odd_file_system(flock=errno.ENOLCK, link=errno.EACCES, syncdir=errno.EINVAL)
    with ServerProcess(tmp_path, "--camera", CAMERA, env=env) as server:
        for name in ("a.mp4", "b.mkv"):
            assert server.command_lines(f"record start {name}")[-1] == "OK"
            wait_for(lambda: int(server.status()["recording_frames"]) > 9, "pictures")
            told = server.command_lines("record stop")
            assert told[0] == f"recording: {name}"
            assert told[-1] == "OK"
            assert len(read_film(tmp_path / name).times) > 9
        assert server.command_lines("snapshot s.jpg")[-1] == "OK"
        assert (tmp_path / "s.jpg").read_bytes()[:2] == b"\xff\xd8"
        assert server.log.count("has no locks") == 1
        assert server.command_lines("record start killed.mkv")[-1] == "OK"
        wait_for(lambda: int(server.status()["recording_frames"]) > 30, "a second")
        with ServerProcess(tmp_path, "--stopped", env=env) as other:  # it is being written
            wait_for(lambda: other.command_lines("recordings"), "the list")
            assert (tmp_path / ".killed.mkv.part").exists()
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with ServerProcess(tmp_path, "--stopped", env=env) as server:
        wait_for(lambda: "finished killed.mkv" in server.log, "the recovery")
    assert len(read_film(tmp_path / "killed.mkv").times) > 20


def test_a_file_that_another_computer_writes_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "a", "wb", buffering=0) as file:
        monkeypatch.setattr("time.sleep", lambda _: file.write(b"more"))
        assert recovery._grows(file.fileno())
        monkeypatch.setattr("time.sleep", lambda _: None)
        assert not recovery._grows(file.fileno())


def test_a_file_with_both_names_after_a_crash_is_there_once(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(b"a film")
    os.link(tmp_path / "a.mkv", tmp_path / ".a.mkv.part")
    assert list(recovery.recover(tmp_path, InlineReader())) == []
    assert [each.name for each in tmp_path.iterdir()] == ["a.mkv"]


def test_a_file_is_locked_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    with open(path, "r+b") as one, open(path, "r+b") as two:
        assert not WriterLock(one.fileno(), path).is_local
        with pytest.raises(BlockingIOError):
            WriterLock(two.fileno(), path)
