"""Moves the index of a finished MP4 or MOV to its front (FFmpeg's ``faststart``).

A recording gets its index at its end. Some players (iPhone) do not start a long file then, and over
HTTP every player has to request the end first. Boxes: ISO/IEC 14496-12.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from twistedcam.recording.writer.disk_space import ROOM, free_bytes
from twistedcam.recording.writer.part_file import whole_of
from twistedcam.runtime.atomic_file import sync_file

SUFFIXES = (".mp4", ".mov")
#: Bytes copied at once.
CHUNK = 4 << 20
#: Bytes of an index at most: more than 40 hours at 60 frames a second.
_MAXIMUM = 256 << 20
_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
#: The first offset that is too large for a 32-bit table.
_WIDE = 1 << 32


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int
    header: int


def copy_with_index_in_front(
    path: Path,
    reserve: int = 0,
    goes_on: Callable[[], bool] = lambda: True,
    is_slow: bool = False,
) -> Path | None:
    """Make a hidden copy of a file with its index in front, synced to the disk. Blocks.

    Arguments:
        reserve: bytes that have to stay free on the disk.
        goes_on: called now and then; False cancels the copy.
        is_slow: True to leave half of the disk's time to others.

    Returns:
        The copy; None if nothing needs to be done, there is no room, or it was cancelled.

    Raises:
        OSError: a file cannot be read or written; there is no copy then.
    """
    with open(path, "rb", buffering=0) as source:
        found = os.fstat(source.fileno())
        boxes = _top_boxes(source.fileno(), found.st_size)
        if boxes is None:
            return None
        ftyp, moov = boxes
        if free_bytes(path.parent) < found.st_size + 2 * ROOM + reserve:
            return None
        index = _shifted(os.pread(source.fileno(), moov.end - moov.start, moov.start))
        copy = whole_of(path)
        try:
            with open(copy, "xb", buffering=0) as target:
                os.chmod(target.fileno(), found.st_mode & 0o777)
                head = os.pread(source.fileno(), ftyp.end, 0)
                _write_all(target.fileno(), head + index)
                pieces = ((ftyp.end, moov.start), (moov.end, found.st_size))
                for start, end in pieces:
                    if not _copy(source.fileno(), target.fileno(), start, end, goes_on, is_slow):
                        raise InterruptedError
                sync_file(target.fileno())
            os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
        except InterruptedError:
            copy.unlink(missing_ok=True)
            return None
        except FileExistsError:
            return None  # another process makes it
        except BaseException:
            with suppress(OSError):
                copy.unlink(missing_ok=True)
            raise
        return copy


def move_index_to_front(
    path: Path, reserve: int = 0, goes_on: Callable[[], bool] = lambda: True
) -> bool:
    """Replace a file by its copy with the index in front; True if that was done. Blocks.

    Its time stays the same. A file that is changed or deleted meanwhile is not replaced.

    Raises:
        OSError: a file cannot be read or written; the original is unchanged.
    """
    before = os.stat(path)
    copy = copy_with_index_in_front(path, reserve, goes_on, is_slow=True)
    if copy is None:
        return False
    try:
        if _identity(os.stat(path)) != _identity(before):
            return False
        os.replace(copy, path)
    except FileNotFoundError:
        return False
    finally:
        with suppress(OSError):
            copy.unlink(missing_ok=True)
    return True


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _top_boxes(fd: int, size: int) -> tuple[_Box, _Box] | None:
    """The first box, and the index that follows the pictures; None if the file has other boxes."""
    boxes = list(_boxes_of_file(fd, size))
    kinds = [box.kind for box in boxes]
    if kinds[:1] != [b"ftyp"] or kinds.count(b"moov") != 1 or b"moof" in kinds:
        return None
    moov = boxes[kinds.index(b"moov")]
    is_last = b"mdat" in kinds and kinds.index(b"mdat") < kinds.index(b"moov")
    if not is_last or moov.end - moov.start > _MAXIMUM:
        return None
    return boxes[0], moov


def _boxes_of_file(fd: int, size: int) -> Iterator[_Box]:
    at = 0
    while at + 8 <= size:
        box = _box_at(os.pread(fd, 16, at), 0, size - at)
        if box is None:
            return
        yield _Box(box.kind, at, at + box.end, box.header)
        at += box.end


def _box_at(data: bytes, at: int, left: int) -> _Box | None:
    length, kind = struct.unpack_from(">I4s", data, at)
    header = 8
    if length == 1 and len(data) >= at + 16:
        (length,) = struct.unpack_from(">Q", data, at + 8)
        header = 16
    elif length == 0:
        length = left
    if not header <= length <= left:
        return None
    return _Box(kind, at, at + length, header)


def _shifted(moov: bytes) -> bytes:
    """The index with the offsets of pictures that follow it."""
    narrow = _with_offsets(moov, 0, len(moov), len(moov), wide=False)
    if narrow is not None:
        return narrow
    size = len(_with_offsets(moov, 0, len(moov), 0, wide=True) or b"")
    wide = _with_offsets(moov, 0, len(moov), size, wide=True)
    assert wide is not None
    return wide


def _with_offsets(data: bytes, start: int, end: int, shift: int, wide: bool) -> bytes | None:
    """The boxes with their offsets shifted; None if one needs more than 32 bits."""
    made = bytearray()
    at = start
    while at + 8 <= end:
        box = _box_at(data, at, end - at)
        if box is None:
            break
        inside = data[box.start + box.header : box.end]
        if box.kind in _PARENTS:
            inner = _with_offsets(data, box.start + box.header, box.end, shift, wide)
            if inner is None:
                return None
            made += _as_box(box.kind, inner)
        elif box.kind in (b"stco", b"co64"):
            table = _table(box.kind, inside, shift, wide)
            if table is None:
                return None
            made += table
        else:
            made += data[box.start : box.end]
        at = box.end
    return bytes(made) + data[at:end]


def _table(kind: bytes, inside: bytes, shift: int, wide: bool) -> bytes | None:
    flags, count = struct.unpack_from(">II", inside)
    letter = "I" if kind == b"stco" else "Q"
    offsets = [each + shift for each in struct.unpack_from(f">{count}{letter}", inside, 8)]
    if kind == b"stco" and wide:
        kind, letter = b"co64", "Q"
    if letter == "I" and max(offsets, default=0) >= _WIDE:
        return None
    return _as_box(kind, struct.pack(f">II{count}{letter}", flags, count, *offsets))


def _as_box(kind: bytes, inside: bytes) -> bytes:
    return struct.pack(">I4s", len(inside) + 8, kind) + inside


def _copy(
    source: int, target: int, start: int, end: int, goes_on: Callable[[], bool], is_slow: bool
) -> bool:
    """Append a part of a file to another; False if that was cancelled."""
    at = start
    while at < end:
        if not goes_on():
            return False
        began = time.monotonic()
        data = os.pread(source, min(CHUNK, end - at), at)
        if not data:
            return False  # the file was truncated
        _write_all(target, data)
        at += len(data)
        if is_slow:
            sync_file(target)  # so that the measured time is that of the disk
            time.sleep(min(1.0, time.monotonic() - began))
    return True


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
