"""Packets of unfinished files, copied into complete ones."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.films import frame, read_film
from tests.support.movies import film_with_sound, times_in
from tests.support.movies import remux as remux_film
from twistedcam.recording.media_worker import remux
from twistedcam.recording.media_worker.remux import copy, has_packet
from twistedcam.recording.media_worker.video_file import UnreadableVideo
from twistedcam.recording.writer.single_file import FileRecording


def unfinished(path: Path) -> int:
    recording = FileRecording(path, "cam")
    recording.write([frame(n / 10, n) for n in range(20)])
    return os.open(path.with_name(f".{path.name}.part"), os.O_RDONLY)


def target(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


@pytest.mark.parametrize(("suffix", "muxer"), [("mp4", "mp4"), ("mkv", "matroska")])
def test_a_copy_is_complete(suffix: str, muxer: str, tmp_path: Path) -> None:
    source, packets = unfinished(tmp_path / f"a.{suffix}"), list[int]()
    assert has_packet(source)
    whole = tmp_path / f"whole.{suffix}"
    copied = copy(source, target(whole), muxer, {}, lambda: packets.append(1))
    film = read_film(whole)
    assert copied.frames == len(film.times) == len(packets) >= 15
    assert copied.seconds == pytest.approx(film.seconds, abs=0.05)
    assert copied.metadata["comment"].startswith("twistedcam ")


def test_a_file_that_is_no_video_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"nothing" * 100)
    fd = os.open(tmp_path / "a", os.O_RDONLY)
    with pytest.raises(UnreadableVideo, match="cannot be read"):
        has_packet(fd)
    with pytest.raises(UnreadableVideo, match="cannot be read"):
        copy(fd, target(tmp_path / "b"), "mp4", {})


def test_an_error_of_the_target_is_not_the_source_s(tmp_path: Path) -> None:
    source = unfinished(tmp_path / "a.mkv")

    class Full(remux._Target):
        def write(self, data: Any) -> int:
            self.problem = OSError(errno.ENOSPC, "No space left on device")
            raise self.problem

    with patch.object(remux, "_Target", Full), pytest.raises(OSError, match="No space left"):
        copy(source, target(tmp_path / "b.mkv"), "matroska", {})


@pytest.mark.parametrize(("suffix", "muxer"), [("mp4", "mp4"), ("mkv", "matroska")])
def test_pictures_that_are_stored_in_another_order_are_all_copied(
    suffix: str, muxer: str, tmp_path: Path
) -> None:
    whole = tmp_path / f"whole.{suffix}"
    remux_film(film_with_sound(), whole)
    copied = tmp_path / f"copied.{suffix}"
    found = copy(os.open(whole, os.O_RDONLY), target(copied), muxer, {})
    assert found.frames == 100
    assert found.seconds == pytest.approx(4, abs=0.1)
    times = times_in(copied.read_bytes())
    assert [round(time - times[0], 2) for time in times] == [n / 25 for n in range(100)]
    assert len(times_in(copied.read_bytes(), "audio")) == len(times_in(whole.read_bytes(), "audio"))
