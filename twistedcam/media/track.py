"""Tracks: the description of one kind of media that a camera sends."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

#: The ids of a camera's tracks.
VIDEO, AUDIO = 0, 1
#: Codecs whose packets can be decoded alone, without those before them.
_INDEPENDENT = frozenset({"mjpeg"})


@dataclass(frozen=True, slots=True)
class Track:
    """One track of a camera in one codec: all that a decoder needs before the first packet.

    It never changes. Where a decoder must begin again, another track follows.

    Arguments:
        id: number of the track in its stream, ``VIDEO`` or ``AUDIO``.
        kind: the kind of media.
        codec: FFmpeg's name of the codec, such as ``mjpeg``, ``h264``, ``hevc``, ``aac`` or
            ``opus``.
        width, height: size of the picture in pixels; 0 for sound.
        rate: frames a second if they are known, or samples a second; None if unknown.
        channels: number of audio channels; 0 for video.
        extradata: H.264 and H.265: the parameter sets in Annex B. AAC: the AudioSpecificConfig.
            Opus: the OpusHead. Codecs whose decoder needs more than rate and channels, such as
            ADPCM: the head of a WAV file (``sound_config.wav_head``). Empty if the codec has none.
    """

    id: int
    kind: Literal["video", "audio"]
    codec: str
    width: int = 0
    height: int = 0
    rate: Fraction | None = None
    channels: int = 0
    extradata: bytes = b""

    @property
    def is_independent(self) -> bool:
        """True if each packet can be decoded without the packets before it."""
        return self.kind == "audio" or self.codec in _INDEPENDENT
