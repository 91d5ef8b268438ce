"""Fragmented MP4: an initialisation segment, then one fragment for each packet.

A fragment depends on its packet only, so it is made once for all viewers (``Packet.shared``). Boxes
are those of ISO/IEC 14496-12, sample entries those of 14496-14 (AAC), 14496-15 (H.264, H.265) and
"Encapsulation of Opus in ISO Base Media File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache

from twistedcam.media.nal import to_length_prefixed
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track

#: Codecs that can be written.
VIDEO_CODECS = tuple(NAL_CODECS)
AUDIO_CODECS = ("aac", "opus")
#: Steps a second of all times.
CLOCK = 1_000_000
#: Steps that a picture is shown where the track does not say its frame rate.
_DEFAULT_DURATION = CLOCK // 25
#: Samples in a packet of AAC, and in one of Opus of each configuration (RFC 6716, 3.1).
_AAC_SAMPLES = 1024
_OPUS_RATE = 48_000
_OPUS_SAMPLES = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
#: Flags of samples (8.8.3.1): a key frame, and a picture that depends on others.
_KEY, _DEPENDS = 0x0200_0000, 0x0101_0000
_MATRIX = struct.pack("!9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
#: Heads of the sample entries (12.1.3, 12.2.3), and the resolution that all files have, 72 dpi.
_VIDEO_ENTRY = struct.Struct("!6xH16xHHII4xH32xHh")
_AUDIO_ENTRY = struct.Struct("!6xH8xHH4xI")
_DPI = 72 << 16
_ENTRIES = {"h264": (b"avc1", b"avcC"), "hevc": (b"hvc1", b"hvcC")}
#: moof: mfhd, and traf with tfhd (default-base-is-moof), tfdt (version 1) and the head of trun.
_MOOF = struct.Struct("!I4sI4sIII4sI4sIII4sIQI4sIIi")
_SAMPLE = struct.Struct("!IIII4s")
_SAMPLE_WITH_OFFSET = struct.Struct("!IIIiI4s")
_MFHD, _TFHD, _TFDT, _TRUN = 16, 16, 20, 32


def fragment(packet: Packet, origin: int = 0) -> bytes:
    """A packet as ``moof`` and ``mdat``, to follow ``init_segment`` and other fragments.

    Arguments:
        origin: the time of the stream's timeline that is 0 in the film.
    """
    track, duration = packet.track, packet_duration(packet)
    data = to_length_prefixed(packet.data) if track.codec in NAL_CODECS else packet.data
    flags = _KEY if packet.is_keyframe else _DEPENDS
    time = max(packet.dts - origin, 0)
    offset = max(packet.pts - origin - time, 0)  # packets from before the origin are at 0
    if offset:
        run = _TRUN + 4
        sample = _SAMPLE_WITH_OFFSET.pack(
            duration, len(data), flags, offset, len(data) + 8, b"mdat"
        )
    else:
        run = _TRUN
        sample = _SAMPLE.pack(duration, len(data), flags, len(data) + 8, b"mdat")
    traf = 8 + _TFHD + _TFDT + run
    moof = 8 + _MFHD + traf
    head = _MOOF.pack(
        *(moof, b"moof"),
        *(_MFHD, b"mfhd", 0, packet.seq & 0xFFFF_FFFF),
        *(traf, b"traf"),
        *(_TFHD, b"tfhd", 0x20000, track.id + 1),
        *(_TFDT, b"tfdt", 0x0100_0000, time),
        # Version 1, data offset, and for the sample duration, size, flags, perhaps an offset.
        *(run, b"trun", 0x0100_0F01 if offset else 0x0100_0701, 1, moof + 8),
    )
    return b"".join((head, sample, data))


def packet_duration(packet: Packet) -> int:
    """The nominal duration of a packet in microseconds."""
    track = packet.track
    if track.codec == "opus":
        samples, rate = _opus_samples(packet.data), _OPUS_RATE
        return samples * CLOCK // rate
    if not track.rate:
        return _DEFAULT_DURATION
    return round((_AAC_SAMPLES if track.codec == "aac" else 1) * CLOCK / track.rate)


@lru_cache(maxsize=64)
def _sample_entry(track: Track) -> bytes:
    """The sample entry of a track (8.5.2)."""
    if track.codec in NAL_CODECS:
        entry, configuration = _ENTRIES[track.codec]
        record = NAL_CODECS[track.codec].to_configuration(track.extradata)
        return _box(
            entry,
            _VIDEO_ENTRY.pack(1, track.width, track.height, _DPI, _DPI, 1, 24, -1),
            _box(configuration, record),
        )
    if track.codec in AUDIO_CODECS:
        rate = int(track.rate or _OPUS_RATE)
        # The field has 16 bits for the rate; the real one is in the configuration.
        head = _AUDIO_ENTRY.pack(1, track.channels, 16, (rate if rate < 65536 else 0) << 16)
        if track.codec == "aac":
            return _box(b"mp4a", head, _esds(track))
        return _box(b"Opus", head, _dops(track))
    raise ValueError(f"MP4 cannot contain {track.codec}")


def init_segment(tracks: Sequence[Track]) -> bytes:
    """The initialisation segment: ``ftyp`` and ``moov`` without samples.

    Raises:
        ValueError: a track's codec cannot be in MP4, or its ``extradata`` is not valid.
    """
    ftyp = _box(b"ftyp", b"iso5", bytes(4), b"iso5iso6mp41")
    mvhd = _full_box(
        b"mvhd",
        0,
        0,
        struct.pack("!IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x0100),
        _MATRIX,
        bytes(24),
        struct.pack("!I", len(tracks) + 1),
    )
    extends = [
        _full_box(b"trex", 0, 0, struct.pack("!IIIII", track.id + 1, 1, 0, 0, 0))
        for track in tracks
    ]
    return ftyp + _box(b"moov", mvhd, *map(_trak, tracks), _box(b"mvex", *extends))


def codec_string(track: Track) -> str:
    """The codec for browsers, such as ``avc1.42C01F`` (RFC 6381).

    Raises:
        ValueError: the codec cannot be in MP4, or ``extradata`` is not valid.
    """
    if track.codec in NAL_CODECS:
        return NAL_CODECS[track.codec].sequence_parameters(track.extradata).codec_string
    if track.codec == "aac" and track.extradata:
        return f"mp4a.40.{_aac_object_type(track.extradata)}"
    if track.codec == "opus":
        return "opus"
    raise ValueError(f"MP4 cannot contain {track.codec}")


def _box(kind: bytes, *content: bytes) -> bytes:
    size = 8 + sum(map(len, content))
    return b"".join((struct.pack("!I4s", size, kind), *content))


def _full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    return _box(kind, struct.pack("!I", version << 24 | flags), *content)


def _trak(track: Track) -> bytes:
    is_video = track.kind == "video"
    tkhd = _full_box(
        b"tkhd",
        0,
        3,  # enabled, in the movie
        struct.pack("!IIIII8xHHHH", 0, 0, track.id + 1, 0, 0, 0, 0, 0 if is_video else 0x0100, 0),
        _MATRIX,
        struct.pack("!II", track.width << 16, track.height << 16),
    )
    mdhd = _full_box(b"mdhd", 0, 0, struct.pack("!IIIIHH", 0, 0, CLOCK, 0, 0x55C4, 0))  # "und"
    handler = b"vide" if is_video else b"soun"
    hdlr = _full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"twistedcam\0")
    media_head = (
        _full_box(b"vmhd", 0, 1, bytes(8)) if is_video else _full_box(b"smhd", 0, 0, bytes(4))
    )
    dinf = _box(b"dinf", _full_box(b"dref", 0, 0, struct.pack("!I", 1), _full_box(b"url ", 0, 1)))
    stbl = _box(
        b"stbl",
        _full_box(b"stsd", 0, 0, struct.pack("!I", 1), _sample_entry(track)),
        _full_box(b"stts", 0, 0, bytes(4)),
        _full_box(b"stsc", 0, 0, bytes(4)),
        _full_box(b"stsz", 0, 0, bytes(8)),
        _full_box(b"stco", 0, 0, bytes(4)),
    )
    return _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, _box(b"minf", media_head, dinf, stbl)))


def _esds(track: Track) -> bytes:
    """The elementary stream descriptor of AAC (ISO/IEC 14496-1, 7.2.6)."""
    _aac_object_type(track.extradata)
    specific = _descriptor(5, track.extradata)
    decoder = _descriptor(4, struct.pack("!BBxHII", 0x40, 0x15, 0, 0, 0), specific)
    stream = _descriptor(3, struct.pack("!HB", track.id + 1, 0), decoder, _descriptor(6, b"\2"))
    return _full_box(b"esds", 0, 0, stream)


def _descriptor(tag: int, *content: bytes) -> bytes:
    size = sum(map(len, content))
    return b"".join(
        (struct.pack("!BBBBB", tag, 0x80, 0x80, 0x80 | size >> 7, size & 127), *content)
    )


def _aac_object_type(configuration: bytes) -> int:
    """The audio object type of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1)."""
    if len(configuration) < 2:
        raise ValueError("the configuration of AAC is missing")
    kind = configuration[0] >> 3
    escaped = 32 + ((configuration[0] & 7) << 3 | configuration[1] >> 5)
    return escaped if kind == 31 else kind


def _dops(track: Track) -> bytes:
    """The Opus specific box, from the OpusHead (RFC 7845, 5.1)."""
    head = track.extradata
    if len(head) < 19 or not head.startswith(b"OpusHead"):
        raise ValueError("the header of Opus is missing")
    channels, skip, rate, gain, family = struct.unpack_from("<xBHIhB", head, 8)
    return _box(b"dOps", struct.pack("!BBHIhB", 0, channels, skip, rate, gain, family), head[19:])


def _opus_samples(data: bytes) -> int:
    """The samples of an Opus packet at 48 kHz (RFC 6716, 3.1 and 3.2)."""
    if not data:
        return 0
    code = data[0] & 3
    frames = (1, 2, 2, data[1] & 63 if len(data) > 1 else 0)[code]
    return _OPUS_SAMPLES[data[0] >> 3] * frames
