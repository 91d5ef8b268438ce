"""Short streams of H.264 and H.265 from x264 and x265, for tests of their structure."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np

from twistedcam.media.nal import join_units, split_units
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track

#: FFmpeg's encoder of each codec.
ENCODERS = {"h264": "libx264", "hevc": "libx265"}


@cache
def encoded(
    codec: str,
    width: int = 128,
    height: int = 96,
    *,
    pix_fmt: str = "yuv420p",
    frames: int = 6,
    rate: Fraction = Fraction(25),
    options: tuple[tuple[str, str], ...] = (),
) -> tuple[bytes, ...]:
    """Packets of Annex B; key frames begin with their parameter sets."""
    coder: Any = av.CodecContext.create(ENCODERS[codec], "w")
    coder.width, coder.height, coder.pix_fmt = width, height, pix_fmt
    coder.framerate, coder.time_base = rate, 1 / rate
    quiet = {"x265-params": "log-level=none:pools=1:frame-threads=1"} if codec == "hevc" else {}
    coder.options = {"preset": "ultrafast", **quiet, **dict(options)}
    packets = []
    for index in range(frames):
        image = np.full((height, width, 3), index * 20 % 200, np.uint8)
        image[:, : width // 2] += 40
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pix_fmt)
        frame.pts = index
        packets += coder.encode(frame)
    packets += coder.encode(None)
    return tuple(bytes(packet) for packet in packets)


def stream_packets(
    codec: str = "h264", *, frames: int = 6, group: int = 3, width: int = 128, height: int = 96
) -> list[Packet]:
    """Packets of a camera at 25 a second, numbered from 1, with a key frame every ``group``."""
    options = (("bf", "0"), ("g", str(group)), ("sc_threshold", "0"))
    nal = NAL_CODECS[codec]
    data = [
        join_units(split_units(each))
        for each in encoded(codec, width, height, frames=frames, options=options)
    ]
    sets = nal.parameter_sets(data[0])
    track = Track(VIDEO, "video", codec, width, height, Fraction(25), extradata=sets)
    return [
        Packet(track, n + 1, 10**15 + n * 40_000, n * 40_000, each, nal.is_keyframe(each))
        for n, each in enumerate(data)
    ]


def exp_golomb(number: int) -> str:
    """The bits of ue(v)."""
    word = f"{number + 1:b}"
    return "0" * (len(word) - 1) + word


def from_bits(head: bytes, bits: str) -> bytes:
    """A unit of a header and bits, with the stop bit and emulation prevention bytes."""
    bits += "1" + "0" * (-(len(bits) + 1) % 8)
    payload, unit, zeros = int(bits, 2).to_bytes(len(bits) // 8, "big"), bytearray(), 0
    for byte in head + payload:
        if zeros == 2 and byte <= 3:
            unit.append(3)
            zeros = 0
        unit.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(unit)
