"""Makes sound in several codecs of a camera's own: one decoder for all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from twistedcam.codecs.audio_decoder import AudioDecoder
from twistedcam.codecs.audio_encoder import AudioEncoder, EncodedAudio, made_track
from twistedcam.codecs.audio_resampler import AudioResampler, Samples
from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track

#: Microseconds of samples that are kept for an encoder that begins earlier than now.
_KEPT = 3_000_000


class ConvertedAudio(NamedTuple):
    """The result of a conversion.

    Arguments:
        made: the encoded pieces, in order for each codec.
        failed: the number of packets that could not be decoded.
        reason: the reason of the last of them; None if there were none.
        samples: that were encoded, each piece (``pcm_s16le``) with its time on the stream's
            timeline.
    """

    made: list[EncodedAudio]
    failed: int
    reason: str | None
    samples: list[tuple[int, bytes]]


class AudioConverter:
    """Decodes packets, and encodes the samples in each codec that is wanted. All methods block."""

    def __init__(self) -> None:
        self._track: Track | None = None
        self._decoder: AudioDecoder | None = None
        self._resampler = AudioResampler(1)
        self._encoders: dict[str, AudioEncoder] = {}
        self._samples: list[tuple[int, bytes]] = []
        self._recent: deque[Samples] = deque()

    def convert(
        self,
        packets: Iterable[Packet],
        codecs: Iterable[str],
        since: Mapping[str, int] | None = None,
    ) -> ConvertedAudio:
        """Convert packets that follow those of the last call.

        Arguments:
            packets: of the camera's own track.
            codecs: those of MADE_CODECS that are wanted.
            since: the microsecond of the timeline at which a codec begins that was not wanted
                before, as far as samples are kept; by default now.
        """
        wanted = tuple(codecs)
        for codec in self._encoders.keys() - wanted:
            del self._encoders[codec]
        made: list[EncodedAudio] = []
        for codec, time in (since or {}).items():
            made += self._encode_recent(codec, time)
        failed, reason = 0, None
        for packet in packets:
            try:
                made += self._convert(packet, wanted)
            except (ValueError, NotSupported) as error:
                failed, reason = failed + 1, str(error)
        pieces, self._samples = self._samples, []
        return ConvertedAudio(made, failed, reason, pieces)

    def _convert(self, packet: Packet, codecs: tuple[str, ...]) -> list[EncodedAudio]:
        decoder = self._decoder_of(packet.track)
        made = []
        for frame in decoder.decode(packet):
            for samples in self._resampler.resample(frame):
                self._samples.append((samples.pts, samples.data))
                self._recent.append(samples)
                while samples.pts - self._recent[0].pts > _KEPT:
                    self._recent.popleft()
                for codec in codecs:
                    made += self._encoder_of(codec).encode(samples)
        return made

    def _encode_recent(self, codec: str, time: int) -> list[EncodedAudio]:
        if codec in self._encoders:
            return []
        made = []
        for samples in self._recent:
            if samples.pts >= time:
                made += self._encoder_of(codec).encode(samples)
        return made

    def _decoder_of(self, track: Track) -> AudioDecoder:
        if self._decoder is None or track != self._track:
            self._decoder = None
            decoder = AudioDecoder(track)
            if self._track is None or made_track("", track) != made_track("", self._track):
                self._resampler = AudioResampler(made_track("", track).channels)
                self._encoders.clear()
                self._recent.clear()
            self._decoder, self._track = decoder, track
        return self._decoder

    def _encoder_of(self, codec: str) -> AudioEncoder:
        if codec not in self._encoders:
            assert self._track is not None
            channels = made_track(codec, self._track).channels
            self._encoders[codec] = AudioEncoder(codec, channels)
        return self._encoders[codec]
