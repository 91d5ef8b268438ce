"""The configurations of AAC, Opus and ADPCM, and the tracks that they describe."""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import lru_cache

from twistedcam.media.track import AUDIO, Track

#: Sample rates by their index in an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.3.4).
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
#: The bytes of an OpusHead without a channel mapping, and the rate of all Opus.
_OPUS_HEAD, _OPUS_RATE = 19, 48_000
#: The maximum length of a configuration.
_MAX_CONFIG = 1024


def parse_aac_config(config: bytes) -> tuple[int, int]:
    """Return sample rate and channels of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).

    Raises:
        ValueError: it is cut, or has reserved values.
    """
    bits = int.from_bytes(config[:16].ljust(16, b"\0"), "big")
    left = 128

    def read(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> left & ((1 << count) - 1)

    if len(config) < 2:
        raise ValueError("the AudioSpecificConfig is cut")
    if read(5) == 31:
        read(6)
    index = read(4)
    if index != 15 and index >= len(_AAC_RATES):
        raise ValueError(f"AAC has the unknown sample rate {index}")
    rate = read(24) if index == 15 else _AAC_RATES[index]
    channels = read(4)
    if rate <= 0:
        raise ValueError("AAC has no sample rate")
    return rate, 8 if channels == 7 else channels


def parse_opus_head(head: bytes) -> tuple[int, int]:
    """Return sample rate and channels of an OpusHead (RFC 7845, 5.1).

    Raises:
        ValueError: it is none, or of another version.
    """
    if len(head) < _OPUS_HEAD or not head.startswith(b"OpusHead"):
        raise ValueError("the OpusHead is missing")
    version, channels = head[8], head[9]
    if version >> 4 or not channels:
        raise ValueError(f"an OpusHead of version {version} with {channels} channels is not valid")
    return _OPUS_RATE, channels


def wav_head(tag: int, rate: int, channels: int, bits: int) -> bytes:
    """Return the head of a WAV file, which says how many bits a sample has.

    Arguments:
        tag: the number of the codec in such files.
        rate: samples a second.
        bits: of a sample.
    """
    bytes_a_second = rate * channels * bits // 8
    form = struct.pack("<HHIIHHH", tag, channels, rate, bytes_a_second, 1, bits, 0)
    parts = b"WAVEfmt ", struct.pack("<I", len(form)), form, b"data", bytes(4)
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def is_wav_head(extradata: bytes) -> bool:
    """Return True if the extradata of a track is the head of a WAV file."""
    return extradata[:4] == b"RIFF" and extradata[8:12] == b"WAVE"


_PARSERS = {"aac": parse_aac_config, "opus": parse_opus_head}


@lru_cache(maxsize=64)
def sound_track(codec: str, config: bytes) -> Track:
    """Return the track that a configuration describes.

    Arguments:
        codec: ``aac`` or ``opus``.
        config: the AudioSpecificConfig or the OpusHead.

    Raises:
        ValueError: it is not valid.
    """
    if len(config) > _MAX_CONFIG:
        raise ValueError(f"a configuration of {codec} has {len(config)} bytes")
    rate, channels = _PARSERS[codec](config)
    return Track(AUDIO, "audio", codec, rate=Fraction(rate), channels=channels, extradata=config)
