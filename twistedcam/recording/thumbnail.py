"""A small picture of a recording."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex
from typing import Any

import av
import av.error

from twistedcam.recording.index import HIDDEN

#: Pixels of the longer side.
LONG_SIDE = 320
_QUALITY = 75


def thumbnail(path: Path) -> bytes:
    """A JPEG of the recording's first picture, from the hidden folder if it was made before.

    Raises:
        OSError: the file cannot be read.
        ValueError: there is no picture in it.
    """
    changed = path.stat().st_mtime_ns
    kept = thumbnail_path(path)
    try:
        if kept.stat().st_mtime_ns >= changed:
            return kept.read_bytes()
    except OSError:
        pass
    made = _make(path)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{token_hex(4)}.new")  # others may want it just now
        fresh.write_bytes(made)
        fresh.replace(kept)
    except OSError:
        pass  # a full or read-only disk: it is made anew each time
    return made


def thumbnail_path(path: Path) -> Path:
    """Where a recording's thumbnail is kept."""
    return path.parent / HIDDEN / "thumbnails" / f"{path.name}.jpg"


def _make(path: Path) -> bytes:
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise ValueError(f"{path.name} has no picture in it")
            frame = next(container.decode(video=0), None)
    except av.error.FFmpegError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    if frame is None:
        raise ValueError(f"{path.name} has no picture in it")
    return _encode(frame)


def _encode(frame: Any) -> bytes:
    import cv2

    scale = min(1.0, LONG_SIDE / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    small = frame.reformat(width, height, "bgr24", interpolation="AREA").to_ndarray()
    ok, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not ok:
        raise ValueError("the picture cannot be encoded")
    return bytes(data)
