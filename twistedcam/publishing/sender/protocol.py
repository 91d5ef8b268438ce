"""The protocol between the server and a sender, over the sender's standard input and output.

Input: a SenderConfig as a line of JSON, then for each frame FRAME_HEADER and H.264 or H.265 (Annex
B), and for each packet of sound FRAME_HEADER and its bytes. The first is a key frame. Output: the
lines ``live``, ``at DTS FRAMES BYTES`` and ``error REASON``, which is the last.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypedDict

#: The reason if a certificate is not trusted, with a placeholder for the fault.
UNTRUSTED = "its certificate is not trusted ({}); if it is self-signed, add #ca=FILE"
#: Time of decoding and time from there to presentation, in microseconds; 1 for a key frame, SOUND
#: for sound; number of bytes that follow.
FRAME_HEADER = struct.Struct(">QIBI")

SOUND = 2


class SoundConfig(TypedDict):
    """The description of sound.

    Keys:
        codec: FFmpeg's name of the codec.
        rate, channels: samples a second, and number of channels.
        extradata: the configuration of the codec (``Track.extradata``), in hexadecimal digits.
    """

    codec: str
    rate: int
    channels: int
    extradata: str


class SenderConfig(TypedDict):
    """The configuration of a sender.

    Keys:
        codec: FFmpeg's name of the codec.
        url: the target's address, which may contain keys.
        muxer: the name of FFmpeg's muxer.
        options: the muxer's options.
        verify: True if certificates are checked.
        ca: file of trusted certificates; those of the system if empty.
        sound: the sound; None: there is none.
    """

    codec: str
    url: str
    muxer: str
    options: dict[str, str]
    verify: bool
    ca: str
    sound: SoundConfig | None


class SentFrame(NamedTuple):
    """A frame in H.264 or H.265, or a packet of sound. Its times are in microseconds."""

    dts: int
    reorder: int
    is_keyframe: bool
    data: bytes
    is_sound: bool = False


def report(line: str) -> None:
    """Write a line of output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_frames(file: BinaryIO) -> Iterator[SentFrame]:
    """Yield frames until the input ends."""
    while len(header := file.read(FRAME_HEADER.size)) == FRAME_HEADER.size:
        dts, reorder, kind, length = FRAME_HEADER.unpack(header)
        data = file.read(length)
        if len(data) < length:
            return
        yield SentFrame(dts, reorder, kind == 1, data, kind == SOUND)
