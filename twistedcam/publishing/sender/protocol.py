"""What goes between the server and its sender: a line of JSON, then frames; lines come back.

Standard input: an Order as JSON, then HEAD and H.264 in Annex B for each frame, the first a
keyframe. Standard output: lines ``live``, ``at PTS FRAMES BYTES`` and, as the last,
``error REASON``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypedDict

#: Time in steps of 1/90000 s, 1 for a keyframe, bytes that follow.
HEAD = struct.Struct(">QBI")


class Order(TypedDict):
    """What a sender is to do.

    Keys:
        url: where to; it may have keys in it.
        muxer: FFmpeg's name for the way in which it is packed.
        options: what the muxer is told.
        verify: whether certificates are checked.
        ca: file of certificates that they are checked by; the system's if empty.
        tidy: whether to remove what an earlier run has left beside a playlist.
    """

    url: str
    muxer: str
    options: dict[str, str]
    verify: bool
    ca: str
    tidy: bool


class Sent(NamedTuple):
    """A frame on its way to a target."""

    pts: int
    is_keyframe: bool
    data: bytes


def frames(read: BinaryIO) -> Iterator[Sent]:
    """Frames, until the input ends."""
    while len(head := read.read(HEAD.size)) == HEAD.size:
        pts, keyframe, length = HEAD.unpack(head)
        data = read.read(length)
        if len(data) < length:
            return
        yield Sent(pts, bool(keyframe), data)
