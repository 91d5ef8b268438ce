"""Sound that waits for the pictures of its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.containers import Container
from twistedcam.recording.writer.sound_track import sound_fault

#: Microseconds for which sound waits for a picture that is due, and for any: then it is dropped.
_PATIENCE, _MOST = 500_000, 11_000_000


class WaitingSound:
    """The sound of a recording on its way into files.

    It arrives earlier or later than the pictures of its time. Written in order, it gets into the
    right file, and FFmpeg holds back neither.

    Arguments:
        container: the format of the files.
        track: the track of the camera's sound; None: it has none.
    """

    def __init__(self, container: Container, track: Track | None) -> None:
        #: The track of the camera's sound now.
        self.track = track
        #: The reason why the sound cannot be in these files; None if it can.
        self.fault: str | None = None
        self._container = container
        self._checked: Track | None = None
        self._packets: deque[Packet] = deque()

    def __bool__(self) -> bool:
        return bool(self._packets)

    def usable_track(self) -> Track | None:
        """The track of the camera's sound, if these files can have it."""
        track = self.track
        if track is None or track.codec not in self._container.sounds:
            return None
        if track != self._checked:
            self._checked, self.fault = track, sound_fault(track, self._container.muxer)
        return track if self.fault is None else None

    def is_other_than(self, track: Track | None) -> bool:
        """True if a file with this track of sound cannot have the camera's sound of now."""
        if self.track is None or self.track == track:
            return False
        return self.usable_track() not in (None, track)

    def add(self, packet: Packet) -> None:
        """Add a packet, the newest one."""
        packets = self._packets
        packets.append(packet)
        while packet.pts - packets[0].pts > _MOST:
            packets.popleft()

    def before(self, time: int) -> Iterator[Packet]:
        """Remove and return the packets before a time of the stream's timeline."""
        while self._packets and self._packets[0].pts < time:
            yield self._packets.popleft()

    def late(self, until: int) -> Iterator[Packet]:
        """Remove and return the packets before a time that have waited for half a second."""
        if self._packets:
            yield from self.before(min(until, self._packets[-1].pts - _PATIENCE))

    def clear(self) -> None:
        """Drop all packets."""
        self._packets.clear()
