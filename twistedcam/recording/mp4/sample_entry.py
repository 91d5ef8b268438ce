"""Sample entries: the part of an MP4's index that tells how to decode a track."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from twistedcam.recording.mp4.boxes import Box, UnreadableMovie, boxes

#: Codecs by the types of their sample entries, as FFmpeg names them.
CODECS = {
    b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc", b"av01": "av1",
    b"vp09": "vp9", b"mp4v": "mpeg4", b"jpeg": "mjpeg", b"mjpa": "mjpeg",
    b"mp4a": "aac", b"Opus": "opus", b"ac-3": "ac3", b".mp3": "mp3",
    b"alaw": "pcm_alaw", b"ulaw": "pcm_mulaw", b"sowt": "pcm_s16le",
}  # fmt: skip
#: Bytes of an entry before its boxes.
_HEADS = {"video": 86, "audio": 36}
#: Bytes of one entry at most.
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class SampleEntry:
    """A sample entry.

    Arguments:
        data: the whole box, without the box of bit rates.
        codec: FFmpeg's name of the codec, or the type of the entry.
        identity: equal for entries that decode the same way.
    """

    data: bytes
    codec: str
    identity: bytes


def read_entry(moov: bytes, stsd: Box, kind: Literal["video", "audio"]) -> SampleEntry:
    """Read the only sample entry of a track.

    Raises:
        UnreadableMovie: it has none, or several.
    """
    (count,) = struct.unpack_from(">I", moov, stsd.body + 4)
    entry = next(boxes(moov, stsd.body + 8, stsd.end), None)
    if entry is None or count != 1:
        raise UnreadableMovie(f"its {kind} has {count} descriptions and not one")
    if entry.end - entry.start > _MAX_BYTES:
        raise UnreadableMovie("its description is too large")
    data = moov[entry.start : entry.end]
    head = _HEADS[kind]
    kept, same = data[:head], data[:head]
    for each in boxes(data, head, len(data)):
        if each.kind == b"btrt":
            continue  # bit rates: they differ for each file
        box = data[each.start : each.end]
        kept += box
        same += _without_bit_rates(box) if each.kind == b"esds" else box
    made = struct.pack(">I", len(kept)) + kept[4:]
    codec = CODECS.get(entry.kind, entry.kind.decode("latin-1").strip())
    return SampleEntry(made, codec, same[4:])


def _without_bit_rates(esds: bytes) -> bytes:
    """The box with zeros for buffer size and bit rates (ISO/IEC 14496-1, 7.2.6.6)."""
    at = 12
    try:
        if esds[at] == 3:  # ES_Descriptor
            at = _skip_length(esds, at + 1) + 3
        if esds[at] == 4:  # DecoderConfigDescriptor
            at = _skip_length(esds, at + 1) + 2
            return esds[:at] + bytes(11) + esds[at + 11 :]
    except IndexError:
        pass
    return esds


def _skip_length(data: bytes, at: int) -> int:
    while data[at] & 0x80:
        at += 1
    return at + 1
