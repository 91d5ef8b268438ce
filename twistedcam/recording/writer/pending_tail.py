"""What a muxer still holds, as bytes that can stand behind the file until it writes it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import av

from twistedcam.media.packet import Packet
from twistedcam.recording.containers import Container

#: How long a picture is seen of which nothing is known, in seconds.
_USUAL = Fraction(1, 30)


class _Bytes:
    """Takes what a muxer writes. It cannot seek: so nothing is put behind the last picture."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: Any) -> int:
        """All of it."""
        self.data += data
        return len(data)


class PendingTail:
    """The newest pictures of a file: those that its muxer has not written.

    A muxer writes a picture when the one after it has come, or the one after that. From a slow
    camera, or in a timelapse, that is too long to be without it: a crash would cost it.

    Arguments:
        container: what kind of file it is.
        stream: the one that the pictures are in.
    """

    def __init__(self, container: Container, stream: Any) -> None:
        self._container = container
        self._stream = stream
        self._packets: list[Packet] = []

    def add(self, packet: Any) -> None:
        """A picture that the muxer is going to get."""
        self._packets.append(Packet(bytes(packet), packet.pts, packet.is_keyframe))

    def wrote(self) -> None:
        """The muxer has got the newest picture, and has written all that were before it."""
        del self._packets[:-1]

    def render(self) -> bytes:
        """A fragment or a cluster with these pictures, as this muxer would write it."""
        written = _Bytes()
        container, base = self._container, self._container.time_base
        with av.open(written, "w", format=container.muxer, options=container.tail) as target:
            stream: Any = target.add_stream_from_template(self._stream)
            stream.time_base = base
            target.start_encoding()
            header = len(written.data)
            for kept, until in zip(self._packets, self._ends(), strict=True):
                packet = av.Packet(kept.data)
                packet.stream, packet.time_base = stream, base
                packet.pts = packet.dts = kept.pts
                packet.duration = until - kept.pts
                packet.is_keyframe = kept.is_keyframe
                target.mux(packet)
        return bytes(written.data[header:])

    def _ends(self) -> list[int]:
        """Until when each is seen."""
        starts = [kept.pts for kept in self._packets]
        steps = [after - before for before, after in pairwise(starts)]
        last = steps[-1] if steps else round(_USUAL / self._container.time_base)
        return [*starts[1:], starts[-1] + last]
