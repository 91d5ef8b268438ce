"""Moving the index of a finished MP4 or MOV to its front (FFmpeg's ``faststart``).

While it is recorded, the index can only come last. Some players (iPhone) do not start a long film
then, and over HTTP every player has to ask for the end first. Boxes: ISO/IEC 14496-12.
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
#: Bytes that are copied at once.
CHUNK = 4 << 20
#: Bytes that an index may have: 40 hours at 60 pictures a second, and more.
_MOST = 256 << 20
_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
#: Offsets that are too large for a table with 32 bits.
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
    """Make a hidden copy of a film, on the disk, with its index in front. Blocks.

    Arguments:
        path: the film.
        reserve: bytes that have to stay free on the disk.
        goes_on: asked now and then; False ends it.
        is_slow: whether to leave half of the disk's time to others.

    Returns:
        The copy; None if there is nothing to do, no room, or it was ended.

    Raises:
        OSError: it cannot be read or written; there is no copy then.
    """
    with open(path, "rb", buffering=0) as film:
        found = os.fstat(film.fileno())
        boxes = _top_boxes(film.fileno(), found.st_size)
        if boxes is None:
            return None
        ftyp, moov = boxes
        if free_bytes(path.parent) < found.st_size + 2 * ROOM + reserve:
            return None
        index = _shifted(os.pread(film.fileno(), moov.end - moov.start, moov.start))
        copy = whole_of(path)
        try:
            with open(copy, "xb", buffering=0) as target:
                os.chmod(target.fileno(), found.st_mode & 0o777)
                head = os.pread(film.fileno(), ftyp.end, 0)
                _write_all(target.fileno(), head + index)
                pieces = ((ftyp.end, moov.start), (moov.end, found.st_size))
                for start, end in pieces:
                    if not _copy(film.fileno(), target.fileno(), start, end, goes_on, is_slow):
                        raise InterruptedError
                sync_file(target.fileno())
            os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
        except InterruptedError:
            copy.unlink(missing_ok=True)
            return None
        except FileExistsError:
            return None  # somebody else is at it
        except BaseException:
            with suppress(OSError):
                copy.unlink(missing_ok=True)
            raise
        return copy


def move_index_to_front(
    path: Path, reserve: int = 0, goes_on: Callable[[], bool] = lambda: True
) -> bool:
    """Replace a film by its copy with the index in front; whether that was done. Blocks.

    It is as old as before. If it is changed or deleted meanwhile, nothing is done to it.

    Raises:
        OSError: it cannot be read or written; the film is as it was.
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
    """The first box and the index behind the pictures; None for a film of another kind."""
    boxes = list(_boxes_of_file(fd, size))
    kinds = [box.kind for box in boxes]
    if kinds[:1] != [b"ftyp"] or kinds.count(b"moov") != 1 or b"moof" in kinds:
        return None
    moov = boxes[kinds.index(b"moov")]
    is_last = b"mdat" in kinds and kinds.index(b"mdat") < kinds.index(b"moov")
    if not is_last or moov.end - moov.start > _MOST:
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
    """The index, for pictures that stand behind it."""
    narrow = _with_offsets(moov, 0, len(moov), len(moov), wide=False)
    if narrow is not None:
        return narrow
    size = len(_with_offsets(moov, 0, len(moov), 0, wide=True) or b"")
    wide = _with_offsets(moov, 0, len(moov), size, wide=True)
    assert wide is not None
    return wide


def _with_offsets(data: bytes, start: int, end: int, shift: int, wide: bool) -> bytes | None:
    """These boxes, their tables of offsets shifted; None if 32 bits are too few for one."""
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
    """Copy a part of a file to the end of another; False if it was ended."""
    at = start
    while at < end:
        if not goes_on():
            return False
        began = time.monotonic()
        data = os.pread(source, min(CHUNK, end - at), at)
        if not data:
            return False  # it became shorter
        _write_all(target, data)
        at += len(data)
        if is_slow:
            sync_file(target)  # so that the time that it takes is the disk's
            time.sleep(min(1.0, time.monotonic() - began))
    return True


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
