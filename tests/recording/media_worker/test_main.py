"""The program that reads video files, by its socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.films import frame
from tests.support.process import PATIENCE
from twistedcam.recording.writer.single_file import FileRecording
from twistedcam.runtime.child_process import child_environment, module_command


class Worker:
    """A running program."""

    def __init__(self, idle: float = 60.0) -> None:
        self.socket, theirs = socket.socketpair()
        command = module_command("twistedcam.recording.media_worker", str(1 << 30), str(idle))
        with theirs:
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), env=child_environment())
        self.socket.settimeout(PATIENCE)
        self.answers = self.socket.makefile("rb")

    def ask(self, files: list[int], answers: int = 1, **order: Any) -> list[dict[str, Any]]:
        socket.send_fds(self.socket, [json.dumps({"limit": 8, **order}).encode() + b"\n"], files)
        found = []
        for _ in range(answers):
            answer = json.loads(self.answers.readline())
            answer["body"] = self.answers.read(answer["body"])
            found.append(answer)
        return found

    def close(self) -> int:
        self.answers.close()
        self.socket.close()
        return self.process.wait(PATIENCE)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


@pytest.fixture
def video(tmp_path: Path) -> Iterator[int]:
    recording = FileRecording(tmp_path / "a.mkv", "cam")
    recording.write([frame(n / 10, n) for n in range(5)])
    recording.close()
    fd = os.open(tmp_path / "a.mkv", os.O_RDONLY)
    yield fd
    os.close(fd)


def test_each_task_is_answered_until_the_socket_is_closed(
    worker: Worker, video: int, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"nothing")
    other = os.open(tmp_path / "other", os.O_RDONLY)
    good, bad = worker.ask([video, other], 2, task="head")
    assert (good["codec"], good["width"], good["height"]) == ("mjpeg", 160, 120)
    assert "cannot be read" in bad["refused"]
    (picture,) = worker.ask([video], task="picture")
    assert picture["body"].startswith(b"\xff\xd8")
    assert worker.ask([video], task="packet")[0]["found"] is True
    target = os.open(tmp_path / "copy", os.O_RDWR | os.O_CREAT)
    (copied,) = worker.ask([video, target], task="copy", muxer="matroska", options={})
    assert copied["frames"] == 5
    assert worker.close() == 0


def test_it_ends_after_some_time_without_a_request() -> None:
    idle = Worker(idle=0.01)
    assert idle.process.wait(PATIENCE) == 0
    idle.close()
