"""The protocol between the server and a sender, over the sender's standard input and output.

Input: a SenderConfig as a line of JSON, then for each frame FRAME_HEADER and H.264 or H.265 (Annex
B). The first is a key frame. Output: the lines ``live``, ``at DTS FRAMES BYTES`` and
``error REASON``, which is the last.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypedDict

#: The reason if a certificate is not trusted, with a placeholder for the fault.
UNTRUSTED = "its certificate is not trusted ({}); if it is self-signed, add #ca=FILE"
#: Time of decoding and time from there to presentation, in microseconds; 1 for a key frame; number
#: of bytes that follow.
FRAME_HEADER = struct.Struct(">QIBI")


class SenderConfig(TypedDict):
    """The configuration of a sender.

    Keys:
        codec: FFmpeg's name of the codec.
        url: the target's address, which may contain keys.
        muxer: the name of FFmpeg's muxer.
        options: the muxer's options.
        verify: True if certificates are checked.
        ca: file of trusted certificates; those of the system if empty.
    """

    codec: str
    url: str
    muxer: str
    options: dict[str, str]
    verify: bool
    ca: str


class SentFrame(NamedTuple):
    """A frame in H.264 or H.265. Its times are in microseconds."""

    dts: int
    reorder: int
    is_keyframe: bool
    data: bytes


def report(line: str) -> None:
    """Write a line of output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_frames(file: BinaryIO) -> Iterator[SentFrame]:
    """Yield frames until the input ends."""
    while len(header := file.read(FRAME_HEADER.size)) == FRAME_HEADER.size:
        dts, reorder, keyframe, length = FRAME_HEADER.unpack(header)
        data = file.read(length)
        if len(data) < length:
            return
        yield SentFrame(dts, reorder, bool(keyframe), data)
