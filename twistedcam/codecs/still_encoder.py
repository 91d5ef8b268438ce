"""Encodes one picture as a group of pictures, for a track that has nothing else to show."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from twistedcam.codecs.h264_encoder import YuvDecoder
from twistedcam.errors import NotSupported
from twistedcam.media.jpeg import read_header
from twistedcam.media.nal import join_units, split_units
from twistedcam.util.libraries import av

#: Pictures of a group. All but the first say only that nothing has changed, and have some tens of
#: bytes.
PICTURES = 10
#: The encoders of each codec, and their options.
_ENCODERS = {
    "h264": (
        "libx264",
        {"preset": "veryfast", "tune": "stillimage", "crf": "23", "g": str(PICTURES), "bf": "0"},
    ),
    "hevc": (
        "libx265",
        {
            "preset": "ultrafast",
            "crf": "28",
            "g": str(PICTURES),
            "x265-params": "bframes=0:log-level=none:info=0:repeat-headers=1",
        },
    ),
}
#: Types of supplementary units, which name the encoder only.
_SEI = {"h264": (6,), "hevc": (39, 40)}


def encode_still(jpeg: bytes, codec: str) -> list[bytes]:
    """Return a group of pictures that shows one picture for a second.

    Arguments:
        jpeg: the picture.
        codec: ``h264`` or ``hevc``.

    Returns:
        ``PICTURES`` access units in Annex B with start codes of four bytes. Only the first is a key
        frame, with its parameter sets. The group may be sent repeatedly.

    Raises:
        NotSupported: there is no encoder for the codec, or it takes no picture of that size.
        ValueError: the picture cannot be decoded.
    """
    if codec not in _ENCODERS:
        raise NotSupported(f"{codec} cannot be encoded here")
    name, options = _ENCODERS[codec]
    pictures = YuvDecoder(*read_header(jpeg).size)
    picture = pictures.decode(jpeg)
    if picture is None:
        raise ValueError("the picture cannot be decoded")
    try:
        coder: Any = av.CodecContext.create(name, "w")
        pictures.describe(coder)
        coder.thread_count = 1
        coder.time_base, coder.framerate = Fraction(1, PICTURES), Fraction(PICTURES)
        coder.options = options
        coder.open()
        packets = []
        for number in range(PICTURES):
            picture.pts, picture.time_base = number, Fraction(1, PICTURES)
            picture.pict_type = 0  # the encoder decides; it was that of the JPEG
            packets += coder.encode(picture)
        packets += coder.encode(None)
    except (av.error.FFmpegError, av.codec.codec.UnknownCodecError) as error:
        raise NotSupported(f"{codec} cannot be encoded: {error}") from error
    return [_plain(bytes(packet), codec) for packet in packets]


def _plain(data: bytes, codec: str) -> bytes:
    """Return an access unit without supplementary units, with start codes of four bytes."""
    units = [unit for unit in split_units(data) if _kind(unit, codec) not in _SEI[codec]]
    return join_units(units)


def _kind(unit: bytes, codec: str) -> int:
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
