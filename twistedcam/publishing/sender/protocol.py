"""The protocol between the server and a sender, over the sender's standard input and output.

Input: a SenderConfig as a line of JSON, then FRAME_HEADER and H.264 in Annex B for each frame, the
first a keyframe. Output: the lines ``live``, ``at PTS FRAMES BYTES`` and, as the last,
``error REASON``.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypedDict

#: The reason if a certificate is not trusted; the gap is for what is wrong with it.
UNTRUSTED = "its certificate is not trusted ({}); if it is self-signed, add #ca=FILE"
#: Time in steps of 1/90000 s, 1 for a keyframe, bytes that follow.
FRAME_HEADER = struct.Struct(">QBI")


class SenderConfig(TypedDict):
    """Where and how to send.

    Keys:
        url: the target's address; it may have keys in it.
        muxer: FFmpeg's name for the format.
        options: the muxer's options.
        verify: true if certificates are checked.
        ca: file of certificates that they are checked by; the system's if empty.
    """

    url: str
    muxer: str
    options: dict[str, str]
    verify: bool
    ca: str


class EncodedFrame(NamedTuple):
    """A frame of H.264."""

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
