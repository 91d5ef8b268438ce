"""Packets that a muxer still holds, as bytes to write behind the file meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from twistedcam.recording.containers import Container
from twistedcam.util.libraries import av

#: Duration of a single picture, in seconds.
_USUAL = Fraction(1, 30)


class _Kept(NamedTuple):
    track: int
    packet: Any
    pts: int
    dts: int
    is_keyframe: bool
    duration: int


class _Bytes:
    """A muxer's output. It cannot seek, so the muxer writes nothing behind the last picture."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


class PendingTail:
    """The newest packets of a file, which its muxer has not written yet.

    A muxer writes a picture when one or two others have followed. With a slow camera or in a
    timelapse a crash before that would lose it.

    Arguments:
        stream: that of the pictures.
        sound: that of the sound, if there is any.
    """

    def __init__(self, container: Container, stream: Any, sound: Any = None) -> None:
        self._container = container
        self._streams, self._bases = [stream], [container.time_base]
        if sound is not None:
            self._streams.append(sound)
            self._bases.append(sound.time_base)
        #: Packets that the muxer has.
        self._muxed: list[_Kept] = []

    def mux_picture(self, packet: Any) -> None:
        """Note that the muxer gets a picture."""
        self._muxed.append(_kept(packet, 0))

    def mux_sound(self, packet: Any) -> None:
        """Note that the muxer gets a packet of sound."""
        self._muxed.append(_kept(packet, 1))

    def wrote(self) -> None:
        """Drop what the muxer has written: all but the packet that made it write.

        With sound, FFmpeg holds back the packet behind that one, to bring both in order. Its muxer
        of Matroska also holds a packet of sound before it.
        """
        held = 1
        if len(self._streams) > 1:
            is_sound = len(self._muxed) > 2 and self._muxed[-3].track > 0
            held = 3 if is_sound and self._container.muxer == "matroska" else 2
        del self._muxed[:-held]

    def render(self, newest: Any) -> bytes:
        """A fragment or cluster with these packets, as the muxer would write it.

        Arguments:
            newest: the picture that the muxer will get when its duration is known.
        """
        written = _Bytes()
        container = self._container
        with av.open(written, "w", format=container.muxer, options=container.tail) as target:
            streams: list[Any] = []
            for template, base in zip(self._streams, self._bases, strict=True):
                streams.append(target.add_stream_from_template(template))
                streams[-1].time_base = base
            target.start_encoding()
            header = len(written.data)
            for kept, duration in _with_durations([*self._muxed, _kept(newest, 0)], container):
                packet = av.Packet(bytes(kept.packet))
                packet.stream, packet.time_base = streams[kept.track], self._bases[kept.track]
                packet.pts, packet.dts = kept.pts, kept.dts
                packet.duration = duration
                packet.is_keyframe = kept.is_keyframe
                target.mux(packet)
        return bytes(written.data[header:])


def _with_durations(kept: list[_Kept], container: Container) -> Iterator[tuple[_Kept, int]]:
    """The packets; a picture lasts until the next one."""
    starts = [each.dts for each in kept if each.track == 0]
    steps = [after - before for before, after in pairwise(starts)]
    steps.append(steps[-1] if steps else round(_USUAL / container.time_base))
    durations = iter(steps)
    for each in kept:
        yield each, each.duration if each.track else next(durations)


def _kept(packet: Any, track: int) -> _Kept:
    # A copy of the bytes would cost as much as the muxer itself; the muxer changes only times.
    times = packet.pts, packet.dts
    return _Kept(track, packet, *times, packet.is_keyframe, packet.duration or 0)
