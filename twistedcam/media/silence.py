"""Silence in the codecs of cameras: what takes the place of sound while a camera is muted."""

from __future__ import annotations

from functools import cache

from twistedcam.media.track import Track

#: The byte of silence in codecs with one code for each sample; 0 in other PCM.
_CODES = {"pcm_alaw": 0xD5, "pcm_mulaw": 0xFF, "pcm_u8": 0x80}
#: The elements of AAC by the channel configuration (ISO/IEC 14496-3, table 1.19): one channel, a
#: pair, or low frequencies.
_SINGLE, _PAIR, _LOW, _END = 0, 1, 3, 7
_ELEMENTS = {
    1: (_SINGLE,),
    2: (_PAIR,),
    3: (_SINGLE, _PAIR),
    4: (_SINGLE, _PAIR, _SINGLE),
    5: (_SINGLE, _PAIR, _PAIR),
    6: (_SINGLE, _PAIR, _PAIR, _LOW),
    7: (_SINGLE, _PAIR, _PAIR, _PAIR, _LOW),
}
#: The object types of AAC whose frames can be made here: Main, LC, SSR, LTP, and LC with SBR or PS.
_OBJECT_TYPES = (1, 2, 3, 4, 5, 29)
#: A frame of Opus without any sound, and microseconds of a frame by the configuration of CELT with
#: all frequencies (RFC 6716, table 2).
_OPUS_FRAME = b"\xff\xfe"
_OPUS_LENGTHS = {20_000: 31, 10_000: 30, 5_000: 29, 2_500: 28}


def silence_like(track: Track, data: bytes) -> bytes | None:
    """Return a packet of the same length in time without sound; None if it cannot be made.

    A decoder needs nothing else: the packet fits between others of its track.

    Arguments:
        track: the track of the packet.
        data: the packet.
    """
    codec = track.codec
    if codec == "aac":
        return _silent_aac(track.extradata)
    if codec == "opus":
        return _silent_opus(data)
    if codec in _CODES:
        return bytes([_CODES[codec]]) * len(data)
    if codec.startswith("pcm_") and not codec.startswith("pcm_u"):
        return bytes(len(data))
    return None


@cache
def _silent_aac(config: bytes) -> bytes | None:
    """Return a raw frame of AAC without sound (ISO/IEC 14496-3, 4.4.2).

    Arguments:
        config: the AudioSpecificConfig.
    """
    bits = int.from_bytes(config[:8].ljust(8, b"\0"), "big")
    left = 64

    def read(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> left & ((1 << count) - 1)

    kind = read(5)
    index = read(4)
    if index == 15:
        read(24)
    elements = _ELEMENTS.get(read(4))
    if len(config) < 2 or kind not in _OBJECT_TYPES or elements is None:
        return None
    written = ""
    tags: dict[int, int] = {}
    for element in elements:
        tag = tags.get(element, 0)
        tags[element] = tag + 1
        written += f"{element:03b}{tag:04b}"
        # Without scale factor bands (max_sfb = 0) there are no sections, factors or values.
        if element == _PAIR:
            written += "1" + _ICS_INFO + "00" + 2 * _CHANNEL
        else:
            written += _GAIN + _ICS_INFO + _TOOLS
    written += f"{_END:03b}"
    written += "0" * (-len(written) % 8)
    return int(written, 2).to_bytes(len(written) // 8, "big")


#: Parts of a channel without sound: its gain, its window (long, without bands), and no tools
#: (pulses, noise shaping, gain control).
_GAIN = "0" * 8
_ICS_INFO = "0" + "00" + "0" + "000000" + "0"
_TOOLS = "000"
_CHANNEL = _GAIN + _TOOLS


def _silent_opus(data: bytes) -> bytes | None:
    """Return a packet of Opus without sound, as long and with as many channels as another one."""
    length = opus_length(data)
    for each, config in _OPUS_LENGTHS.items():
        if length and length % each == 0:
            count = length // each
            toc = config << 3 | data[0] & 4
            if count == 1:
                return bytes([toc]) + _OPUS_FRAME
            return bytes([toc | 3, count]) + _OPUS_FRAME * count
    return None


def opus_length(data: bytes) -> int:
    """Return the microseconds of a packet of Opus (RFC 6716, 3.1); 0 if it is not valid."""
    if not data:
        return 0
    config, code = data[0] >> 3, data[0] & 3
    if config < 12:
        frame = (10_000, 20_000, 40_000, 60_000)[config % 4]
    elif config < 16:
        frame = (10_000, 20_000)[config % 2]
    else:
        frame = (2_500, 5_000, 10_000, 20_000)[config % 4]
    if code < 3:
        return frame * (1 if code == 0 else 2)
    return frame * (data[1] & 63) if len(data) > 1 else 0
