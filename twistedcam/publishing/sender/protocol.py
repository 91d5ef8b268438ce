"""The protocol between the server and a sender, over the sender's standard input and output.

Input: a SenderConfig as a line of JSON, then for each frame FRAME_HEADER and H.264 (Annex B). The
first frame is a keyframe. Output: the lines ``live``, ``at PTS FRAMES BYTES`` and ``error REASON``,
which is the last.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypedDict

#: The reason if a certificate is not trusted, with a placeholder for the fault.
UNTRUSTED = "its certificate is not trusted ({}); if it is self-signed, add #ca=FILE"
#: Presentation time in steps of 1/90000 s, 1 for a keyframe, number of bytes that follow.
FRAME_HEADER = struct.Struct(">QBI")


class SenderConfig(TypedDict):
    """The configuration of a sender.

    Keys:
        url: the target's address, which may contain keys.
        muxer: the name of FFmpeg's muxer.
        options: the muxer's options.
        verify: True if certificates are checked.
        ca: file of trusted certificates; those of the system if empty.
    """

    url: str
    muxer: str
    options: dict[str, str]
    verify: bool
    ca: str


class EncodedFrame(NamedTuple):
    """A frame in H.264."""

    pts: int
    is_keyframe: bool
    data: bytes


def report(line: str) -> None:
    """Write a line of output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_frames(file: BinaryIO) -> Iterator[EncodedFrame]:
    """Yield frames until the input ends."""
    while len(header := file.read(FRAME_HEADER.size)) == FRAME_HEADER.size:
        pts, keyframe, length = FRAME_HEADER.unpack(header)
        data = file.read(length)
        if len(data) < length:
            return
        yield EncodedFrame(pts, bool(keyframe), data)
