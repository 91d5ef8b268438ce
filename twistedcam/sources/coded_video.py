"""H.264 and H.265 in a container that FFmpeg reads, as packets that nobody has decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from twistedcam.media.nal import join_units, split_units
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.track import VIDEO, Track
from twistedcam.sources.base import RawPacket
from twistedcam.util.least_lag import LeastLag
from twistedcam.util.libraries import av

#: Seconds by which a timestamp may differ from its arrival before a new timeline begins.
_JUMP = 10.0
#: The highest plausible number of frames a second.
_MAX_RATE = 1000
#: Frames a second if nothing says them.
_USUAL_RATE = 25
#: Pictures that encoders usually send behind one that is shown after them, at most.
_MOST_BETWEEN = 4


#: Packets at the beginning that may have no time of decoding: as many pictures can be reordered.
_MOST_UNTIMED = 16


class CodedPacket(NamedTuple):
    """A packet with its times in its container, in seconds; None if it has none."""

    pts: float | None
    dts: float | None
    packet: RawPacket


class CodedVideo:
    """Makes raw packets of a container's packets, from the first key frame on.

    Arguments:
        stream: a video stream of an ``av`` container whose codec is in ``NAL_CODECS``.
    """

    def __init__(self, stream: Any) -> None:
        name = stream.codec_context.name
        self._codec = NAL_CODECS[name]
        self._base = Fraction(stream.time_base)
        # It passes Annex B unchanged; MP4, FLV and Matroska have lengths in place of start codes.
        self._filter: Any = av.bitstream.BitStreamFilterContext(f"{name}_mp4toannexb", stream)
        rate = stream.average_rate
        self._rate = Fraction(rate) if rate and rate <= _MAX_RATE else None
        self._sets = b""
        self._track: Track | None = None
        #: True after a packet that could not be used, until the next key frame.
        self._has_lost = False
        #: The greatest number of microseconds from decoding to presentation: by the parameter sets,
        #: so that it does not grow with the first pictures, or so far.
        self._most_reordered = 0

    def convert(self, packet: Any) -> Iterator[CodedPacket]:
        """Yield the packets that become ready; their ``time`` is in seconds from their arrival.

        Raises:
            ValueError: the packet cannot be used; the message says why. Call ``restart``.
        """
        for each in self._filter.filter(packet):
            made = self._convert(each)
            if made is not None:
                yield made

    def restart(self) -> None:
        """Begin again with the next key frame, after a packet that cannot be used."""
        self._filter.flush()
        self._track = None
        self._has_lost = True

    def _convert(self, packet: Any) -> CodedPacket | None:
        data = join_units(split_units(bytes(packet)))
        is_keyframe = self._codec.is_keyframe(data)
        if is_keyframe:
            data = self._begin_group(data)
        if self._track is None:
            if self._has_lost:
                raise ValueError("pictures are skipped up to the next key frame")
            return None
        if not any(kind in self._codec.slice_types for kind, _ in self._codec.head_types(data)):
            raise ValueError("a picture cannot be decoded: its packet has none")
        self._has_lost = False
        pts, dts = self._seconds(packet.pts), self._seconds(packet.dts)
        reorder = 0 if pts is None or dts is None else max(0, round((pts - dts) * 1e6))
        self._most_reordered = max(self._most_reordered, reorder)
        # A picture that is shown later was captured later, but none after it has arrived.
        lead = (reorder - self._most_reordered) / 1e6
        return CodedPacket(pts, dts, RawPacket(self._track, lead, data, is_keyframe, reorder))

    def _begin_group(self, data: bytes) -> bytes:
        """Return a key frame with its parameter sets, and follow them."""
        sets = self._codec.parameter_sets(data)
        if sets and (self._codec.has_parameter_sets(data) or not self._sets):
            self._sets = sets
        if not self._sets:
            return data  # nobody can decode it
        if self._track is None or self._track.extradata != self._sets:
            known = self._codec.sequence_parameters(self._sets)
            rate = known.rate or self._rate
            if known.max_reorder_frames:
                pictures = known.max_reorder_frames + _MOST_BETWEEN
                most = round(pictures * 1e6 / (rate or _USUAL_RATE))
                self._most_reordered = max(self._most_reordered, most)
            self._track = Track(
                VIDEO,
                "video",
                self._codec.name,
                known.width,
                known.height,
                rate,
                extradata=self._sets,
            )
        return self._codec.with_parameter_sets(data, self._sets)

    def _seconds(self, stamp: int | None) -> float | None:
        return None if stamp is None else float(stamp * self._base)


def with_decode_times(packets: Iterator[Any], rate: Fraction | None) -> Iterator[Any]:
    """Yield the packets of a video stream, also the first ones with their times of decoding.

    FFmpeg finds out these times for Matroska, which has none, but not those of the packets that
    come before it knows how many pictures are reordered.

    Arguments:
        rate: the stream's pictures a second, if it is known.
    """
    untimed: list[Any] = []
    for packet in packets:
        if packet.dts is None and packet.pts is not None and len(untimed) < _MOST_UNTIMED:
            untimed.append(packet)
            continue
        if packet.dts is not None:
            step = packet.duration or round(1 / (packet.time_base * (rate or _USUAL_RATE)))
            for number, each in enumerate(reversed(untimed), 1):
                each.dts = packet.dts - number * step
        yield from untimed
        yield packet
        break
    else:
        yield from untimed
    yield from packets


class ArrivalClock:
    """Times of capture from timestamps and arrival, without the jitter of the network."""

    def __init__(self) -> None:
        self._least = LeastLag()
        self._last: float | None = None
        self._last_arrival = 0.0
        #: Seconds from timestamps to the monotonic clock; None before the first.
        self._lag: float | None = None

    def time_of(self, stamp: float | None) -> float:
        """Return the time of capture of a packet that arrives now, in UNIX seconds.

        Arguments:
            stamp: its time of presentation in the container, in seconds; None if it has none.
        """
        now = time.monotonic()
        if stamp is None:
            return time.time()
        if self._last is not None and abs(stamp - self._last - (now - self._last_arrival)) > _JUMP:
            self._least.restart()
        self._last, self._last_arrival = stamp, now
        self._lag = self._least.note(now - stamp, now)
        return stamp + self._lag + (time.time() - now)

    def time_like_video(self, stamp: float) -> float | None:
        """Return the time of capture of sound by the clock of the video; None before the first.

        Arguments:
            stamp: its time in the container, in seconds.
        """
        if self._lag is None:
            return None
        return stamp + self._lag + (time.time() - time.monotonic())
