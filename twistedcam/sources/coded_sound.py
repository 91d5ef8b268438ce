"""The sound of a container that FFmpeg reads, as packets that nobody has decoded."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from twistedcam.media.sound_config import parse_aac_config, parse_opus_head
from twistedcam.media.track import AUDIO, Track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.sources.base import RawPacket
from twistedcam.util.libraries import av

#: Seconds by which sound may be ahead of the pictures before it is passed on nevertheless.
_MOST_AHEAD = 3.0
#: Bytes of an ADTS header, and with a checksum (ISO/IEC 13818-7, 6.2).
_ADTS, _ADTS_CHECKED = 7, 9
#: How the names of codecs begin whose decoder needs the bits of a sample or the length of a block.
_DESCRIBED = ("adpcm_", "g726", "wma")


class TimedSound(NamedTuple):
    """A packet of sound with its time in the container, in seconds."""

    pts: float
    raw: RawPacket


class CodedSound:
    """Makes raw packets of a container's packets of sound.

    Arguments:
        stream: a stream of sound of an ``av`` container.
    """

    def __init__(self, stream: Any) -> None:
        codec = stream.codec_context
        self._stream = stream
        self._base = float(stream.time_base)
        self._codec: str = codec.name
        self._rate: int = codec.sample_rate or 0
        self._channels: int = codec.channels or 0
        self._extradata = bytes(codec.extradata or b"")
        if self._codec.startswith(_DESCRIBED):
            self._extradata = _wav_head_of(stream) or self._extradata
        self._track: Track | None = None
        #: The time after the last packet, for one that has none.
        self._next: float | None = None

    @classmethod
    def of(cls, container: Any) -> CodedSound | None:
        """Return the first stream of sound that FFmpeg knows; None if there is none."""
        streams = (each for each in container.streams.audio if each.codec_context is not None)
        stream = next(streams, None)
        return None if stream is None else cls(stream)

    @property
    def stream(self) -> Any:
        """The stream."""
        return self._stream

    @property
    def track(self) -> Track | None:
        """The track of its packets; None if they have to say it."""
        if self._codec == "aac" and not self._extradata:
            return None
        return self._make_track() if self._track is None else self._track

    def convert(self, packet: Any) -> TimedSound | None:
        """Return a packet as sources deliver it; None if it is empty or has no time."""
        if not packet.size:
            return None
        pts = self._next if packet.pts is None else packet.pts * self._base
        if pts is None:
            return None
        self._next = pts + (packet.duration or 0) * self._base
        data = bytes(packet)
        if self._codec == "aac" and data[0] == 0xFF and data[1:2] and data[1] & 0xF6 == 0xF0:
            data = self._without_adts(data)
        if self._track is None:
            self._track = self._make_track()
        return TimedSound(pts, RawPacket(self._track, 0.0, data))

    def _without_adts(self, data: bytes) -> bytes:
        """Return an AAC frame without its ADTS header, which says what an extradata says."""
        if len(data) < _ADTS:
            return data
        kind, index = data[2] >> 6, data[2] >> 2 & 15
        channels = (data[2] & 1) << 2 | data[3] >> 6
        config = ((kind + 1) << 11 | index << 7 | channels << 3).to_bytes(2, "big")
        if config != self._extradata:
            self._extradata, self._track = config, None
        return data[_ADTS if data[1] & 1 else _ADTS_CHECKED :]

    def _make_track(self) -> Track:
        rate, channels, extradata = self._rate, self._channels, self._extradata
        try:
            if self._codec == "aac":
                rate, channels = parse_aac_config(extradata)
            elif self._codec == "opus":
                extradata = extradata or opus_head(channels or 1)
                rate, channels = parse_opus_head(extradata)
        except ValueError:
            pass  # a decoder will say what is wrong with it
        channels = channels or self._channels
        return Track(
            AUDIO,
            "audio",
            self._codec,
            rate=Fraction(rate) if rate else None,
            channels=channels,
            extradata=extradata,
        )


def _wav_head_of(stream: Any) -> bytes:
    """Return the head of a WAV file with a stream; empty if such files cannot have its codec."""
    written = io.BytesIO()
    try:
        with av.open(written, "w", format="wav", options={"fflags": "+bitexact"}) as container:
            container.add_stream_from_template(stream)
            container.start_encoding()
            return written.getvalue()
    except (ValueError, av.error.FFmpegError):
        return b""


def sound_of(container: Any) -> Track | None:
    """Return the track of a container's sound; None if there is none, or it is not known yet."""
    sound = CodedSound.of(container)
    return None if sound is None else sound.track


def with_sound(
    packets: Iterator[Any],
    sound: CodedSound,
    make_video: Callable[[Iterator[Any]], Iterator[Any]],
    time_of: Callable[[Any], float | None],
) -> Iterator[Any]:
    """Yield what is made of the packets of video, and between it the sound, in the order of time.

    A container can have the sound of a moment somewhat before or after its picture. Sound that is
    ahead waits, so that players that play what comes stay in step.

    Arguments:
        packets: of both streams.
        make_video: makes what is yielded of the packets of video.
        time_of: returns the seconds in the container of that; None if it has no time.
    """
    waiting: deque[TimedSound] = deque()

    def only_video() -> Iterator[Any]:
        for packet in packets:
            if packet.stream is not sound.stream:
                yield packet
                continue
            made = sound.convert(packet)
            if made is not None:
                waiting.append(made)

    newest: float | None = None
    for each in make_video(only_video()):
        now = time_of(each)
        newest = now if now is not None else newest
        while waiting and (
            newest is None
            or waiting[0].pts <= newest
            or waiting[-1].pts - waiting[0].pts > _MOST_AHEAD
        ):
            yield waiting.popleft()
        yield each
    yield from waiting
