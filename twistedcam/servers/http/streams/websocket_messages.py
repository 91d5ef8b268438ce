"""Messages of the WebSocket ``/live``.

Messages from a server are not masked (RFC 6455, 5.1), so a packet's message is the same for all
viewers. It is made once, without wsproto.
"""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from typing import Literal

from twistedcam.media.frame import Frame
from twistedcam.media.mp4_fragment import codec_string, fragment, init_segment
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track

#: How packets of H.264 and H.265 are sent.
Container = Literal["annexb", "mp4"]
#: Flags of a binary message: the packet is a key frame; it is an initialisation segment.
KEYFRAME, INITIALIZATION = 1, 2
_HEADER = struct.Struct("!QQ")
_FLAGGED_HEADER = struct.Struct("!QQB")
_TEXT, _BINARY = 0x81, 0x82  # FIN, opcodes 1 and 2 (RFC 6455, 5.2)


def _message(kind: int, *parts: bytes) -> bytes:
    size = sum(map(len, parts))
    if size < 126:
        head = struct.pack("!BB", kind, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", kind, 126, size)
    else:
        head = struct.pack("!BBQ", kind, 127, size)
    return b"".join((head, *parts))


def binary_message(data: bytes) -> bytes:
    """Serialize bytes as one binary message."""
    return _message(_BINARY, data)


def jpeg_message(frame: Frame) -> bytes:
    """Serialize a frame: sequence number, capture time in µs (u64 each), JPEG."""
    return _message(_BINARY, _HEADER.pack(frame.seq, frame.time_us), frame.jpeg)


def annexb_message(packet: Packet) -> bytes:
    """Serialize a packet: sequence number, capture time in µs (u64 each), flags (u8), Annex B."""
    flags = KEYFRAME if packet.is_keyframe else 0
    return _message(_BINARY, _FLAGGED_HEADER.pack(packet.seq, packet.time_us, flags), packet.data)


def mp4_message(packet: Packet) -> bytes:
    """Serialize a packet as ``annexb_message`` does, but as a fragment of MP4."""
    flags = KEYFRAME if packet.is_keyframe else 0
    return _message(
        _BINARY,
        _FLAGGED_HEADER.pack(packet.seq, packet.time_us, flags),
        fragment(packet),
    )


def track_messages(track: Track, container: Container) -> bytes:
    """Serialize what precedes a track's packets: its description, and in MP4 its initialisation.

    Raises:
        ValueError: the track's parameter sets are not valid.
    """
    text = {
        "codec": codec_string(track),
        "width": track.width,
        "height": track.height,
        "container": container,
    }
    described = _message(_TEXT, json.dumps(text).encode())
    if container == "annexb":
        return described
    header = _FLAGGED_HEADER.pack(0, 0, INITIALIZATION)
    return described + _message(_BINARY, header, init_segment([track]))


def sound_message(packet: Packet) -> bytes:
    """Serialize a packet of sound as ``annexb_message`` does; its flags are 0."""
    return _message(_BINARY, _FLAGGED_HEADER.pack(packet.seq, packet.time_us, 0), packet.data)


def sound_description(track: Track) -> bytes:
    """Serialize the description of a track of sound, for ``AudioDecoder.configure``."""
    codec = "pcm-s16" if track.codec == "pcm_s16le" else codec_string(track)
    text = {
        "codec": codec,
        "sampleRate": int(track.rate or 0),
        "numberOfChannels": track.channels,
    }
    if track.codec == "aac":  # Opus needs no description, and browsers would expect Ogg with one
        text["description"] = b64encode(track.extradata).decode()
    return _message(_TEXT, json.dumps(text).encode())
