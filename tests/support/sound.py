"""Sound with a click each second, and where the clicks are found again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np

from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track

#: The time of the first sample in microseconds.
START_US = 1_700_000_000_000_000
#: Samples that a click lasts for at each rate: a millisecond.
CLICK = 0.001


def clicks(rate: int, channels: int, seconds: float, first: float = 0.0) -> Any:
    """Return (samples, channels) int16: silence with a click at each full second.

    Arguments:
        first: seconds at which the samples begin.
    """
    at = np.arange(round(seconds * rate)) / rate + first + 1e-9
    loud = (at % 1.0) < CLICK
    return np.repeat((loud * 20_000).astype(np.int16)[:, None], channels, axis=1)


def pcm_packets(
    rate: int = 48_000,
    channels: int = 1,
    seconds: float = 3.0,
    *,
    codec: str = "pcm_s16le",
    piece: float = 0.02,
    without: Iterable[int] = (),
    pace: float = 1.0,
    start_us: int = START_US,
) -> list[Packet]:
    """Return packets of clicks as a camera sends them.

    Arguments:
        piece: seconds of each packet.
        without: the numbers of packets that are lost.
        pace: seconds of the timeline for each second of samples.
    """
    track = Track(AUDIO, "audio", codec, rate=Fraction(rate), channels=channels)
    samples, step = clicks(rate, channels, seconds), round(piece * rate)
    encode = _coder(codec, rate, channels)
    lost = set(without)
    return [
        Packet(track, number, at, at, encode(samples[number * step : (number + 1) * step]))
        for number in range(len(samples) // step)
        if number not in lost
        for at in [start_us + round(number * step / rate * pace * 1e6)]
    ]


def encoded_packets(codec: str, seconds: float = 3.0, channels: int = 1) -> list[Packet]:
    """Return packets of clicks as a camera encodes them, as AAC or Opus."""
    encoder: Any = av.CodecContext.create("libopus" if codec == "opus" else codec, "w")
    encoder.sample_rate, encoder.format = 48_000, "s16" if codec == "opus" else "fltp"
    encoder.layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    encoder.time_base = Fraction(1, 48_000)
    encoder.open()
    samples = clicks(48_000, channels, seconds)
    track = Track(
        *(AUDIO, "audio", codec, 0, 0, Fraction(48_000), channels, bytes(encoder.extradata or b""))
    )
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples.reshape(1, -1)), format="s16", layout=encoder.layout.name
    )
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    made = [*encoder.encode(frame), *encoder.encode(None)]
    return [
        Packet(track, number, at, at, bytes(each))
        for number, each in enumerate(made)
        for at in [START_US + round(each.pts * 1e6 / 48_000)]
    ]


def click_times(packets: Iterable[Packet]) -> list[float]:
    """Decode packets of sound; return the seconds since START_US at which clicks begin."""
    found: list[float] = []
    for at, rate, samples in decoded(packets):
        loud = np.flatnonzero(np.abs(samples[:, 0].astype(int)) > 5_000)
        for index in loud:
            time = float(at + index / rate)
            if not found or time - found[-1] > 0.3:
                found.append(float(time))
    return found


def decoded(packets: Iterable[Packet]) -> Iterator[tuple[float, int, Any]]:
    """Yield the seconds since START_US, the rate and the (samples, channels) int16 of packets."""
    decoder: Any = None
    track: Track | None = None
    for packet in packets:
        if packet.track != track:
            track = packet.track
            decoder = av.CodecContext.create(track.codec, "r")
            head = track.extradata
            # Times are those of the samples that a decoder makes, so that none is skipped.
            if head and track.codec == "opus":
                head = head[:10] + b"\0\0" + head[12:]
            if head:
                decoder.extradata = head
            decoder.sample_rate = int(track.rate or 0)
            if track.channels:
                decoder.layout = f"{track.channels}c"
        coded = av.Packet(packet.data)
        at = (packet.pts - START_US) / 1e6
        for frame in decoder.decode(coded):
            samples = frame.to_ndarray()
            if frame.format.is_planar:
                samples = samples.T
            else:
                samples = samples.reshape(-1, frame.layout.nb_channels)
            if samples.dtype != np.int16:
                samples = (samples * 32767).clip(-32768, 32767).astype(np.int16)
            yield at, frame.sample_rate, samples
            at += len(samples) / frame.sample_rate


def _coder(codec: str, rate: int, channels: int) -> Any:
    if codec == "pcm_s16le":
        return lambda samples: samples.astype("<i2").tobytes()
    if codec == "pcm_s16be":
        return lambda samples: samples.astype(">i2").tobytes()
    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.format, encoder.layout = rate, "s16", f"{channels}c"
    encoder.open()

    def encode(samples: Any) -> bytes:
        flat = np.ascontiguousarray(samples.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(flat, format="s16", layout=encoder.layout.name)
        frame.sample_rate = rate
        return b"".join(bytes(each) for each in encoder.encode(frame))

    return encode


def aac_packets(first: float, end: float, start_us: int, rate: int = 48_000) -> list[Packet]:
    """Return packets of AAC with their numbers as data, for tests that decode nothing.

    Arguments:
        first, end: seconds after ``start_us`` between which they begin.
    """
    config = {48_000: b"\x11\x88", 8_000: b"\x15\x88"}[rate]
    track = Track(AUDIO, "audio", "aac", rate=Fraction(rate), channels=1, extradata=config)
    numbers = range(-round(-first * rate // 1024), -round(-end * rate // 1024))
    return [
        Packet(track, number, at, at, b"%06d" % number)
        for number in numbers
        for at in [start_us + round(number * 1024 * 1e6 / rate)]
    ]
