"""Files that a crash has torn at any byte: what was written to its end can be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.recording.mp4.test_growing_movie import (
    END,
    PICTURES,
    SOUND,
    make,
    packets,
    runs_of,
    wanted,
)
from twistedcam.recording.mp4.boxes import boxes
from twistedcam.recording.mp4.fragmenter import AUDIO, VIDEO
from twistedcam.recording.mp4.growing_movie import Sample
from twistedcam.recording.mp4.torn_end import mend_end

#: Four pictures and six packets of sound in two fragments of equal length.
_PICTURES = [each._replace(data=each.data[:40], shift=0) for each in PICTURES[:4]]
_SOUNDS = [Sample(each.data, number * 21_333) for number, each in enumerate(SOUND[:6])]
_SOUND_END = 6 * 21_333


def _mended(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    fd = os.open(path, os.O_RDWR)
    try:
        mend_end(fd)
    finally:
        os.close(fd)
    return path.read_bytes()


def _torn_file() -> tuple[bytes, bytes, int]:
    """The file after a crash, when it is finished, and where its second fragment begins."""
    video = runs_of(_PICTURES, VIDEO, END, 2)
    audio = runs_of(_SOUNDS, AUDIO, _SOUND_END, 3)
    pairs = zip(video, audio, strict=True)
    data, done = make(*(list(each) for each in pairs), has_sound=True)
    return data, done, [each.start for each in boxes(data, 0, len(data))][-2]


def _whole(samples: list[Sample], begin: int, kept: int) -> int:
    """The number of samples, one after the other, that end before a byte."""
    count = 0
    for each in samples:
        begin += len(each.data)
        count += begin <= kept
    return count


def _read(data: bytes, kind: str) -> list[tuple[Any, ...]]:
    """The times and bytes of the samples; pictures that are cut short are no key frames."""
    return [(dts, pts, coded) for dts, pts, _, _, coded in packets(data, kind)]


def _expected(samples: list[Sample], end: int) -> list[tuple[Any, ...]]:
    return [(dts, pts, coded) for dts, pts, _, _, coded in wanted(samples, end)]


def test_each_sample_that_was_written_is_there_wherever_the_end_was_torn(tmp_path: Path) -> None:
    data, _, fragment = _torn_file()
    *_, mdat = boxes(data, 0, len(data))
    sounds_at = mdat.body + sum(len(each.data) for each in _PICTURES[2:])
    for kept in range(fragment, len(data) + 1):
        found = _mended(tmp_path / "a", data[:kept])
        pictures = 2 + _whole(_PICTURES[2:], mdat.body, kept)
        sounds = 3 + _whole(_SOUNDS[3:], sounds_at, kept)
        assert _read(found, "video") == _expected(_PICTURES[:pictures], END), kept
        assert _read(found, "audio") == _expected(_SOUNDS[:sounds], _SOUND_END), kept
        assert sum(each.end - each.start for each in boxes(found, 0, len(found))) == len(found)
    assert found == data


def test_a_file_without_a_whole_index_is_emptied(tmp_path: Path) -> None:
    data, _, _ = _torn_file()
    found = [each for each in boxes(data, 0, len(data)) if each.kind == b"moov"]
    for kept in range(1, found[0].end):
        assert _mended(tmp_path / "a", data[:kept]) == b"", kept
    head = data[: found[0].end]
    for kept in range(found[0].end, found[0].end + 8):
        assert _mended(tmp_path / "a", data[:kept]) == head


def test_an_index_at_the_end_that_was_torn_is_cut_off(tmp_path: Path) -> None:
    data, done, _ = _torn_file()
    growing = data + done[len(data) :]
    for kept in range(len(data) + 1, len(growing)):
        assert _mended(tmp_path / "a", growing[:kept]) == data
    assert _mended(tmp_path / "a", growing) == growing
    assert _mended(tmp_path / "a", done) == done


def test_zeros_that_a_file_system_has_left_at_the_end_are_cut_off(tmp_path: Path) -> None:
    data, _, _ = _torn_file()
    for count in (1, 8, 4096):
        assert _mended(tmp_path / "a", data + bytes(count)) == data


@pytest.mark.parametrize("data", [b"", b"something else", bytes(100), b"\x1aE\xdf\xa3" * 9])
def test_what_is_no_mp4_is_not_changed(tmp_path: Path, data: bytes) -> None:
    assert _mended(tmp_path / "a", data) == data


def test_a_fragment_of_another_structure_stays_as_it_is(tmp_path: Path) -> None:
    data, _, fragment = _torn_file()
    flags = data.index(b"tfhd", fragment) + 4
    other = data[:flags] + (0).to_bytes(4, "big") + data[flags + 4 :]
    assert _mended(tmp_path / "a", other[:-5]) == other[:-5]
