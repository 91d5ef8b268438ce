"""The film of key frames that is made in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.films import read_film
from tests.support.movies import make_numbered, numbers_in, opened
from tests.support.process import PATIENCE
from twistedcam.recording.media_worker.timelapse import Film
from twistedcam.recording.media_worker.video_file import UnreadableVideo
from twistedcam.runtime.child_process import module_command


def test_a_key_frame_that_comes_twice_is_shown_for_longer(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 60)
    source = opened(tmp_path / "a.mp4")
    target = os.open(tmp_path / "film.mp4", os.O_RDWR | os.O_CREAT)
    film = Film(target, 10, 23, {"comment": "mine"})
    film.add(source, [0.0, 2.1, 3.9, 4.5])
    assert film.finish() == pytest.approx(0.4)
    os.close(source)
    os.close(target)
    assert film.pictures == 3
    made = read_film(tmp_path / "film.mp4")
    assert made.times == pytest.approx([0, 0.1, 0.3])
    assert made.tags["comment"] == "mine"
    assert numbers_in(tmp_path / "film.mp4") == [0, 20, 40]


def test_jpegs_are_taken_too_and_what_is_no_film_is_not(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mkv", 0, 30)
    (tmp_path / "b.mp4").write_bytes(b"no film")
    target = os.open(tmp_path / "film.mp4", os.O_RDWR | os.O_CREAT)
    film = Film(target, 10, 23, {})
    sources = opened(tmp_path / "a.mkv"), opened(tmp_path / "b.mp4")
    film.add(sources[0], [0.0, 1.0, 2.0])
    with pytest.raises(UnreadableVideo):
        film.add(sources[1], [0.0])
    film.finish()
    for fd in (*sources, target):
        os.close(fd)
    assert numbers_in(tmp_path / "film.mp4") == [0, 10, 20]


def test_it_ends_quietly_if_the_server_is_killed(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        command = module_command("twistedcam.recording.media_worker.timelapse")
        program = subprocess.Popen(command, stdin=theirs.fileno(), stderr=subprocess.PIPE)
    target = os.open(tmp_path / "film.mp4", os.O_RDWR | os.O_CREAT)
    settings = json.dumps({"fps": 10, "crf": 23, "metadata": {}}).encode()
    socket.send_fds(ours, [settings + b"\n"], [target])
    ours.settimeout(PATIENCE)
    ours.recv(1, socket.MSG_PEEK)  # an answer that nobody reads resets the connection
    ours.close()
    os.close(target)
    _, errors = program.communicate(timeout=PATIENCE)
    assert (program.returncode, errors) == (1, b"")
