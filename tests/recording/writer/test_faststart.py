"""A finished MP4 or MOV has its index in front: at once if it is short, else a little later."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.support.fakes import InlineReader
from tests.support.films import frame, read_film
from tests.support.process import PATIENCE, ROOT
from twistedcam.recording.library import recovery
from twistedcam.recording.writer import faststart as index_in_front
from twistedcam.recording.writer import segment
from twistedcam.recording.writer.faststart import move_index_to_front
from twistedcam.recording.writer.part_file import whole_of
from twistedcam.recording.writer.single_file import FileRecording

KINDS = pytest.mark.parametrize("suffix", [".mp4", ".mov"])
MOVE = """
import sys, time
from pathlib import Path
from twistedcam.recording.writer.faststart import move_index_to_front
say = lambda: (print("copying", flush=True), time.sleep(600))
move_index_to_front(Path(sys.argv[1]), goes_on=say)
"""


def record(path: Path, count: int = 30) -> Path:
    recording = FileRecording(path, "cam")
    recording.write(frame(n / 10, n) for n in range(count))
    recording.close()
    return path


def boxes(path: Path) -> list[str]:
    """The film's boxes, but for padding."""
    data, at, found = path.read_bytes(), 0, list[str]()
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        found.append(kind.decode())
        at += size
    return [kind for kind in found if kind not in ("free", "wide")]


def packets(path: Path) -> list[tuple[int | None, str]]:
    with av.open(str(path)) as film:
        return [
            (each.pts, hashlib.sha256(bytes(each)).hexdigest())
            for each in film.demux(video=0)
            if each.size
        ]


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a film that counts as a long one."""
    monkeypatch.setattr(index_in_front.time, "sleep", lambda _: None)

    def make(suffix: str) -> Path:
        with monkeypatch.context() as small:
            small.setattr(segment, "MAX_SMALL_FILE", 0)
            return record(tmp_path / f"a{suffix}")

    return make


@KINDS
def test_a_short_film_has_its_index_in_front_at_once(tmp_path: Path, suffix: str) -> None:
    path = record(tmp_path / f"a{suffix}")
    assert boxes(path) == ["ftyp", "moov", "mdat"]
    assert read_film(path).times[-1] == pytest.approx(2.9)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@KINDS
def test_moving_it_changes_no_packet_no_size_and_no_time(
    long: Callable[[str], Path], suffix: str
) -> None:
    path = long(suffix)
    assert boxes(path) == ["ftyp", "mdat", "moov"]
    before, found = packets(path), path.stat()
    assert move_index_to_front(path)
    assert boxes(path) == ["ftyp", "moov", "mdat"]
    assert packets(path) == before
    assert len(before) == 30
    now = path.stat()
    assert (now.st_size, now.st_mtime_ns, now.st_mode) == (
        found.st_size,
        found.st_mtime_ns,
        found.st_mode,
    )
    read_film(path)
    assert not move_index_to_front(path)  # it is there


def test_offsets_that_become_too_large_for_32_bits_get_64() -> None:
    def moov(kind: bytes, letter: str, *offsets: int) -> bytes:
        table = struct.pack(f">II{len(offsets)}{letter}", 0, len(offsets), *offsets)
        made = struct.pack(">I4s", len(table) + 8, kind) + table
        for parent in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
            made = struct.pack(">I4s", len(made) + 8, parent) + made
        return made

    last = (1 << 32) - 1
    narrow = moov(b"stco", "I", 100, last - len(moov(b"stco", "I", 0, 0)))
    assert index_in_front._shifted(narrow) == moov(b"stco", "I", 100 + len(narrow), last)
    wide = index_in_front._shifted(moov(b"stco", "I", 100, last))
    assert wide == moov(b"co64", "Q", 100 + len(wide), last + len(wide))
    already = moov(b"co64", "Q", 7, 1 << 40)
    shifted = moov(b"co64", "Q", 7 + len(already), (1 << 40) + len(already))
    assert index_in_front._shifted(already) == shifted


def test_a_copy_that_is_killed_leaves_the_film_and_is_removed_at_the_next_start(
    long: Callable[[str], Path],
) -> None:
    path = long(".mp4")
    before = path.read_bytes()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", MOVE, str(path)], stdout=subprocess.PIPE, env=env
    ) as moving:
        assert moving.stdout is not None
        assert moving.stdout.readline() == b"copying\n"
        moving.kill()
        moving.wait(PATIENCE)
    assert whole_of(path).exists()
    assert path.read_bytes() == before
    assert list(recovery.recover(path.parent, InlineReader())) == []
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert move_index_to_front(path)


def test_without_room_or_time_the_film_stays_as_it_is(
    long: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = long(".mp4")
    before = path.read_bytes()
    assert not move_index_to_front(path, goes_on=lambda: False)
    assert not move_index_to_front(path, reserve=2**60)
    monkeypatch.setattr(index_in_front, "free_bytes", lambda _: len(before))
    assert not move_index_to_front(path)
    monkeypatch.undo()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_in_front, "_write_all", full)
    with pytest.raises(OSError, match="No space"):
        move_index_to_front(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    # A short one gets its name as it is.
    monkeypatch.setattr(segment, "MAX_SMALL_FILE", 2**30)
    assert boxes(record(path.with_name("b.mp4"))) == ["ftyp", "mdat", "moov"]


def test_a_film_that_is_changed_or_deleted_meanwhile_is_left_alone(
    long: Callable[[str], Path],
) -> None:
    path = long(".mp4")

    def delete() -> bool:
        path.unlink(missing_ok=True)
        return True

    def edit() -> bool:
        path.write_bytes(b"edited")
        return True

    assert not move_index_to_front(path, goes_on=delete)
    assert not list(path.parent.iterdir())
    path = long(".mp4")
    whole = path.read_bytes()
    assert not move_index_to_front(path, goes_on=edit)
    assert path.read_bytes() == b"edited"
    assert len(whole) > 6
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"\0\0\0\x08ftyp\0\0\0\x02mdat", b"text"])
def test_what_is_no_finished_film_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert not move_index_to_front(path)
    assert path.read_bytes() == data
