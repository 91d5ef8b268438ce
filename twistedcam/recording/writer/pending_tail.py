"""Pictures that a muxer still holds, as bytes to write behind the file meanwhile."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from twistedcam.recording.containers import Container
from twistedcam.util.libraries import av

#: Duration of a single picture, in seconds.
_USUAL = Fraction(1, 30)


class _Kept(NamedTuple):
    packet: Any
    pts: int
    dts: int
    is_keyframe: bool


class _Bytes:
    """A muxer's output. It cannot seek, so the muxer writes nothing behind the last picture."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


class PendingTail:
    """The newest pictures of a file, which its muxer has not written yet.

    A muxer writes a picture when one or two others have followed. With a slow camera or in a
    timelapse a crash before that would lose it.
    """

    def __init__(self, container: Container, stream: Any) -> None:
        self._container = container
        self._stream = stream
        self._packets: list[_Kept] = []

    def add(self, packet: Any) -> None:
        """Add a picture that the muxer will get."""
        # A copy of the bytes would cost as much as the muxer itself; the muxer changes only times.
        self._packets.append(_Kept(packet, packet.pts, packet.dts, packet.is_keyframe))

    def wrote(self) -> None:
        """Drop all but the newest picture: the muxer has written the others."""
        del self._packets[:-1]

    def render(self) -> bytes:
        """A fragment or cluster with these pictures, as the muxer would write it."""
        written = _Bytes()
        container, base = self._container, self._container.time_base
        with av.open(written, "w", format=container.muxer, options=container.tail) as target:
            stream: Any = target.add_stream_from_template(self._stream)
            stream.time_base = base
            target.start_encoding()
            header = len(written.data)
            for kept, until in zip(self._packets, self._ends(), strict=True):
                packet = av.Packet(bytes(kept.packet))
                packet.stream, packet.time_base = stream, base
                packet.pts, packet.dts = kept.pts, kept.dts
                packet.duration = until - kept.dts
                packet.is_keyframe = kept.is_keyframe
                target.mux(packet)
        return bytes(written.data[header:])

    def _ends(self) -> list[int]:
        """The end time of each picture."""
        starts = [kept.dts for kept in self._packets]
        steps = [after - before for before, after in pairwise(starts)]
        last = steps[-1] if steps else round(_USUAL / self._container.time_base)
        return [*starts[1:], starts[-1] + last]
