"""Files that were left unfinished by a crash, made whole at the next start."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from twistedcam.recording.avi import stamp
from twistedcam.recording.file_system import WriterLock, give_name, sync_file, sync_folder
from twistedcam.recording.formats import CONTAINERS
from twistedcam.recording.partfile import name_of_part
from twistedcam.recording.probe import began_at
from twistedcam.recording.tag import Tag

#: A whole copy in the making.
_WHOLE = ".whole"
#: Bytes of a fragment's head that can be there without the rest of it.
_TORN = 4096
#: Seconds that a file is watched for growth where the file system has no locks.
WATCHED = 1.0
#: Seconds that the last picture is seen where nothing else is known.
_LAST = Fraction(1, 30)


@dataclass(frozen=True)
class Recovered:
    """A file that was finished.

    Arguments:
        name: what it is called now; None: it has no name.
        camera: the camera's name; empty if the file does not say.
        was: its hidden name.
        kept: without a name: whether it is still there, because it cannot be read; else it held
            no picture, and is gone.
        whole: whether it has an index; False: there was no room to make one, and it plays without.
    """

    name: str | None
    camera: str
    was: str
    frames: int = 0
    seconds: float = 0.0
    bytes: int = 0
    kept: bool = False
    whole: bool = True


def recover(folder: Path) -> Iterator[Recovered]:
    """Finish what is unfinished in a folder and being written by nobody. Blocks.

    Raises:
        OSError: the folder cannot be read or written.
    """
    if not folder.is_dir():
        return
    for left in sorted(folder.glob(f".*{_WHOLE}")):
        left.unlink(missing_ok=True)  # a copy that was not finished; its original is still there
    for part in sorted(folder.glob(".*.part")):
        name = name_of_part(part.name)
        if name is None or Path(name).suffix.lower() not in CONTAINERS:
            continue
        with _locked(part) as free:
            if free and _has_name(part, folder / name):
                part.unlink()  # the crash came between its two names
            elif free:
                yield _finish(part, folder / name)


@contextmanager
def _locked(part: Path) -> Iterator[bool]:
    """Whether the file's writer is dead."""
    try:
        fd = os.open(part, os.O_RDWR)  # NFS has a lock only for one that may be written
    except OSError:
        yield False
        return
    try:
        lock = WriterLock(fd, part)
    except OSError:
        os.close(fd)
        yield False
        return
    try:
        yield not (lock.is_local and _grows(fd))
    finally:
        lock.release()
        os.close(fd)


def _grows(fd: int) -> bool:
    """Whether another computer writes to it: without locks nothing else tells."""
    before = os.fstat(fd)
    time.sleep(WATCHED)
    after = os.fstat(fd)
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def _has_name(part: Path, path: Path) -> bool:
    try:
        return os.path.samestat(os.lstat(part), os.lstat(path))
    except OSError:
        return False


def _finish(part: Path, path: Path) -> Recovered:
    whole = part.with_suffix(_WHOLE)
    if _packets_in(part) is None:
        _cut_torn_fragment(part)
    try:
        found = _copy(part, whole, path.name)
    except (OSError, av.error.FFmpegError, ValueError, IndexError):
        # No room for a copy, or more broken than a crash leaves it: keep what there is.
        whole.unlink(missing_ok=True)
        held = _packets_in(part)
        if not held:
            kept = held is None and part.stat().st_size > 0
            if not kept:
                part.unlink()
            return Recovered(None, "", part.name, kept=kept)
        name = give_name(part, path).name
        sync_folder(path.parent)
        return Recovered(
            name, "", part.name, bytes=(path.parent / name).stat().st_size, whole=False
        )
    if not found.frames:
        whole.unlink(missing_ok=True)
        part.unlink()
        return Recovered(None, "", part.name)
    with open(whole, "rb") as file:
        sync_file(file.fileno())
        size = os.fstat(file.fileno()).st_size
    name = give_name(whole, path).name
    part.unlink()
    sync_folder(path.parent)
    return Recovered(name, found.camera, part.name, found.frames, found.seconds, size)


def _copy(part: Path, whole: Path, name: str) -> Recovered:
    """Copy the packets into a new file, which gets an index and a duration."""
    container = CONTAINERS[Path(name).suffix.lower()]
    options = {key: value for key, value in container.options.items() if key != "movflags"}
    with (
        av.open(str(part), metadata_errors="replace") as source,
        av.open(str(whole), "w", format=container.muxer, options=options) as target,
    ):
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        copy.time_base = stream.time_base
        target.metadata.update(source.metadata)
        said = {key.lower(): value for key, value in source.metadata.items()}
        tag = Tag.parse(said.get("comment", ""))
        frames, end = 0, Fraction(0)
        for packet in _mux_all(source, stream, copy, target):
            frames += 1
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
    began = began_at(said)
    if frames and container.muxer == "avi" and began is not None:
        with open(whole, "r+b") as file:
            stamp(file, began)
    camera = tag.camera if tag is not None else ""
    return Recovered(name, camera, part.name, frames, float(end))


def _mux_all(source: Any, stream: Any, copy: Any, target: Any) -> Iterator[Any]:
    """Each whole packet, as long as it is seen: until the next one."""
    held = None
    interval = round(_LAST / stream.time_base)
    for packet in _packets(source, stream):
        if held is not None:
            interval = held.duration = packet.pts - held.pts
            yield _mux(held, copy, target)
        held = packet
    if held is not None:
        held.duration = interval
        yield _mux(held, copy, target)


def _packets(source: Any, stream: Any) -> Iterator[Any]:
    last = None
    jpegs = stream.codec_context.name == "mjpeg"
    try:
        for packet in source.demux(stream):
            if packet.pts is None or not packet.size or packet.is_corrupt:
                continue
            if last is not None and packet.pts <= last:
                continue
            if jpegs and b"\xff\xd9" not in bytes(packet)[-16:]:
                continue
            last = packet.pts
            yield packet
    except av.error.FFmpegError:
        return  # the last one was cut short


def _mux(packet: Any, copy: Any, target: Any) -> Any:
    seen = packet.pts, packet.duration, packet.time_base
    packet.stream = copy
    target.mux(packet)
    packet.pts, packet.duration, packet.time_base = seen
    return packet


def _packets_in(part: Path) -> bool | None:
    """Whether there is a packet in it; None if it cannot be read."""
    try:
        with av.open(str(part), metadata_errors="replace") as container:
            return any(packet.size for packet in container.demux(video=0))
    except (OSError, av.error.FFmpegError, ValueError, IndexError):
        return None


def _cut_torn_fragment(part: Path) -> None:
    """Cut off a last fragment of which only the first bytes were written.

    With a fragment's head torn the demuxer reads nothing of an MP4 or MOV at all; one whose
    pictures are torn it can read.
    """
    with open(part, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.seek(max(0, size - _TORN))
        at = file.read().rfind(b"moof")
        if at >= 4:
            file.truncate(start + at - 4)  # the four bytes before the name are its length
