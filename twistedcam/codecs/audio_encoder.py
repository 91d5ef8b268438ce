"""Encodes samples as AAC or Opus, with exact times."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any, NamedTuple

from twistedcam.codecs.audio_resampler import RATE, Samples
from twistedcam.errors import NotSupported
from twistedcam.media.track import AUDIO, Track
from twistedcam.util.libraries import av

#: Codecs in which every camera's sound can be had, by FFmpeg's names.
MADE_CODECS = ("aac", "opus", "pcm_s16le")
#: Bits a second of each channel, by the codec.
_BITRATES = {"aac": 64_000, "opus": 48_000}
#: FFmpeg's name of each encoder, the format of its samples, and its options.
_ENCODERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "aac": ("aac", "fltp", {"aac_coder": "fast"}),
    "opus": ("libopus", "s16", {"application": "audio", "compression_level": "5"}),
}
#: Samples that an Opus encoder is late, which a decoder skips at the start (RFC 7845, 4.2).
_OPUS_SKIP = 312
#: An AudioSpecificConfig of AAC-LC at RATE (ISO/IEC 14496-3, 1.6.2.1), without the channels.
_AAC_CONFIG = 2 << 11 | 3 << 7
#: Its extension that says that there is no spectral band replication: without it some players
#: expect twice the rate until they have decoded a packet.
_NO_SBR = b"\x56\xe5\x00"


class EncodedAudio(NamedTuple):
    """An encoded piece of sound.

    Arguments:
        codec: FFmpeg's name.
        data: one access unit; samples of ``pcm_s16le``.
        pts: microseconds on the stream's timeline at which the samples begin that a decoder makes
            of it. The first unit of AAC and Opus begins before the first sample: they need some
            before (priming, pre-skip).
    """

    codec: str
    data: bytes
    pts: int


def made_track(codec: str, source: Track) -> Track:
    """Return the track in one of MADE_CODECS that is made of a camera's own: 1 or 2 channels."""
    channels = 1 if source.channels == 1 else 2
    extradata = b""
    if codec == "aac":
        extradata = (_AAC_CONFIG | channels << 3).to_bytes(2, "big") + _NO_SBR
    elif codec == "opus":
        extradata = b"OpusHead" + struct.pack("<BBHIhB", 1, channels, _OPUS_SKIP, RATE, 0, 0)
    return Track(AUDIO, "audio", codec, 0, 0, Fraction(RATE), channels, extradata)


class AudioEncoder:
    """Encodes samples as one of MADE_CODECS. All methods block.

    Arguments:
        codec: the codec.
        channels: 1 or 2.

    Raises:
        NotSupported: FFmpeg has no such encoder here.
    """

    def __init__(self, codec: str, channels: int) -> None:
        self.codec = codec
        self.channels = channels
        self._encoder: Any = None
        #: When the run of the samples in the encoder began, and the number of the next sample.
        self._begin_us = 0
        self._next = -1

    def encode(self, samples: Samples) -> list[EncodedAudio]:
        """Encode samples; return what is ready.

        Raises:
            NotSupported: FFmpeg has no such encoder here.
        """
        if self.codec == "pcm_s16le":
            frame = samples.frame
            data = bytes(frame.planes[0])[: frame.samples * 2 * self.channels]
            return [EncodedAudio(self.codec, data, samples.pts)]
        ready = []
        if (samples.begin_us, samples.start) != (self._begin_us, self._next):
            ready = self._finish()
            self._open(samples)
        self._next = samples.start + samples.frame.samples
        return ready + self._ready(samples.frame)

    def _open(self, samples: Samples) -> None:
        name, form, options = _ENCODERS[self.codec]
        try:
            encoder: Any = av.CodecContext.create(name, "w")
            encoder.sample_rate = RATE
            encoder.format = form
            encoder.layout = "mono" if self.channels == 1 else "stereo"
            encoder.bit_rate = _BITRATES[self.codec] * self.channels
            encoder.time_base = Fraction(1, RATE)
            encoder.options = options
            encoder.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise NotSupported(f"FFmpeg cannot encode {self.codec} here") from error
        self._encoder, self._begin_us = encoder, samples.begin_us

    def _finish(self) -> list[EncodedAudio]:
        """Return what is still in the encoder: the next samples do not follow its last ones."""
        return [] if self._encoder is None else self._ready(None)

    def _ready(self, frame: Any) -> list[EncodedAudio]:
        return [
            EncodedAudio(self.codec, bytes(packet), self._begin_us + packet.pts * 1_000_000 // RATE)
            for packet in self._encoder.encode(frame)
            if packet.size
        ]
