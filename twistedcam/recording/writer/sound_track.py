"""The sound of a file: packets on the file's timeline, and silence where there are none."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from twistedcam.media.mp4_fragment import fragment, init_segment, packet_duration
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import parse_aac_config
from twistedcam.media.track import Track
from twistedcam.util.libraries import av

#: Samples a second of a track that does not say them.
_USUAL_RATE = 48_000
#: Samples of a packet of AAC; object types of AAC in which a packet of AAC-LC can be decoded.
_AAC_SAMPLES = 1024
_LIKE_LC = (1, 2, 5, 29)
#: Packets of AAC-LC without sound, by the number of channels; they are the same at all rates.
_AAC_SILENCE = {
    1: bytes.fromhex("01182007"),
    2: bytes.fromhex("211004608c1c"),
    3: bytes.fromhex("011820010880230460e0"),
    4: bytes.fromhex("01182001088023046003182007"),
    5: bytes.fromhex("011820010880230460231004608c1c"),
    6: bytes.fromhex("011820010880230460231004608c0c230000e0"),
}
#: Silence of 20 ms in Opus (RFC 6716, 3.1: CELT, full band, one frame), and its samples at 48 kHz.
_OPUS_SILENCE, _OPUS_SAMPLES = b"\xf8\xff\xfe", 960
#: The same of 2.5 ms: the configuration of a packet with several frames, a frame, and how many of
#: them are 20 ms.
_OPUS_SHORT, _OPUS_FRAME, _OPUS_FRAMES = 28 << 3 | 3, b"\xff\xfe", 8
#: Seconds without sound from which on silence is written; a shorter time is jitter.
_GAP = 0.04
#: Seconds by which a packet's time may differ from the end of the one before, to follow it at once.
_JITTER = 0.001


class SoundPiece(NamedTuple):
    """A packet of sound on a file's timeline: its bytes, its time and its samples, in steps."""

    data: bytes
    start: int
    length: int


class SoundTrack:
    """Places the sound of a file.

    It begins with the file's first picture. Where sound is missing, silence is written, because
    players that count samples would lose the picture's time else.

    Arguments:
        track: the track of its packets.
        origin: the time of the file's first picture, microseconds of the stream's timeline.
    """

    def __init__(self, track: Track, origin: int) -> None:
        self.track = track
        self._rate = _rate(track)
        self._origin = origin
        self._silence = _silence(track, self._rate)
        #: The start of the last packet and its end, in steps.
        self._last, self._end = -1, 0

    def place(self, packet: Packet) -> list[SoundPiece]:
        """The pieces for a packet: silence where sound is missing, and the packet.

        None if it begins before the file, or before packets that are there already.
        """
        start = self._steps(packet.pts)
        if self._last < 0 and -_JITTER * self._rate <= start < 0:
            start = 0
        if start <= self._last or start < 0:
            return []
        made = []
        late = start - self._end
        length = _samples(packet, self._rate)
        if abs(late) <= _JITTER * self._rate:
            start = max(self._end, self._last + 1)
        elif self._last < 0 or late > max(_GAP * self._rate, 0.75 * length):
            made = self._silence_until(start, packet.data)
        return [*made, self._piece(packet.data, start, length)]

    def fill(self, until: int) -> list[SoundPiece]:
        """Silence up to a time of the stream's timeline, as far as whole ones fit."""
        if self._silence is None:
            return []
        data, length = self._silence
        made = []
        while self._end + length <= self._steps(until):
            made.append(self._piece(data, self._end, length))
        return made

    def missing(self, time: int) -> float:
        """The seconds from the end of the sound to a time of the stream's timeline."""
        return (self._steps(time) - self._end) / self._rate

    def _steps(self, time: int) -> int:
        return ((time - self._origin) * self._rate + 500_000) // 1_000_000

    def _silence_until(self, start: int, usual: bytes) -> list[SoundPiece]:
        """Silence up to a step.

        A track whose first packet is late begins with one packet at least, because an MP4 that is
        being written has no other way to say when it begins.

        Arguments:
            usual: the packet to repeat there if silence cannot be made.
        """
        left, begin = start - self._end, self._end
        silent = self._silent_packets(left, 1 if self._last < 0 else 0, usual)
        total = sum(length for _, length in silent)
        made, passed = [], 0
        for data, length in silent:
            made.append(self._piece(data, begin + left * passed // total, length))
            passed += length
        return made

    def _silent_packets(self, left: int, least: int, usual: bytes) -> list[tuple[bytes, int]]:
        """Packets of silence that are together about as long as some steps, and their lengths.

        Arguments:
            least: the number of packets at least.
            usual: as for ``_silence_until``.
        """
        if self._silence is None:
            return [(usual, left)] * least
        data, length = self._silence
        if self.track.codec != "opus":
            return [self._silence] * max(least, round(left / length))
        frames = max(least, round(left * _OPUS_FRAMES / length))
        whole, rest = divmod(frames, _OPUS_FRAMES)
        short = bytes((_OPUS_SHORT, rest)) + _OPUS_FRAME * rest, length * rest // _OPUS_FRAMES
        return [short] * (rest > 0) + [(data, length)] * whole

    def _piece(self, data: bytes, start: int, length: int) -> SoundPiece:
        self._last, self._end = start, start + length
        return SoundPiece(data, start, length)


def sound_fault(track: Track, muxer: str) -> str | None:
    """The reason why a file cannot have this sound; None if it can.

    Arguments:
        muxer: FFmpeg's name of the format.
    """
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as container:
            add_sound_stream(container, track)
            container.start_encoding()
    except (ValueError, av.error.FFmpegError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def add_sound_stream(container: Any, track: Track) -> Any:
    """Add a stream for packets of a track to PyAV's container, with a step for each sample.

    Raises:
        ValueError: the track's description is not valid.
    """
    # FFmpeg takes the description of a codec from another file only.
    nothing = Packet(track, 1, 0, 0, _OPUS_SILENCE)
    described = io.BytesIO(init_segment([track]) + fragment(nothing))
    with av.open(described, format="mp4") as read:
        stream = container.add_stream_from_template(read.streams.audio[0])
    stream.time_base = Fraction(1, _rate(track))
    return stream


def _rate(track: Track) -> int:
    return int(track.rate or _USUAL_RATE)


def _samples(packet: Packet, rate: int) -> int:
    """The number of samples of a packet for each channel."""
    track = packet.track
    if track.codec == "aac":
        return _aac_samples(track.extradata, rate)
    return round(packet_duration(packet) * rate / 1_000_000)


@lru_cache(maxsize=8)
def _aac_samples(config: bytes, rate: int) -> int:
    """The samples of a packet: with SBR, they are twice those of the core."""
    core, _ = parse_aac_config(config)
    return _AAC_SAMPLES * 2 if rate == 2 * core else _AAC_SAMPLES


@lru_cache(maxsize=8)
def _silence(track: Track, rate: int) -> tuple[bytes, int] | None:
    """A packet of silence and its number of samples; None if it cannot be made."""
    if track.codec == "opus":
        return _OPUS_SILENCE, _OPUS_SAMPLES * rate // _USUAL_RATE
    if track.codec == "aac" and track.extradata[0] >> 3 in _LIKE_LC:
        _, channels = parse_aac_config(track.extradata)
        data = _AAC_SILENCE.get(channels or track.channels)
        return None if data is None else (data, _aac_samples(track.extradata, rate))
    return None
