"""Writes a recording to one file on the caller's thread, without a server."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from twistedcam.media.packet import Packet
from twistedcam.media.timeline import Timeline
from twistedcam.media.track import Track
from twistedcam.recording.containers import format_of_name
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.file_names import reserve_next_name
from twistedcam.recording.writer.part_file import disk_error
from twistedcam.recording.writer.segment import Segment, SegmentResult
from twistedcam.recording.writer.waiting_sound import WaitingSound

#: Microseconds after the last picture up to which sound is written without another one.
_PAUSE = 500_000


class FileRecording:
    """Writes frames and sound to a file as the server does. All methods block.

    The file has sound if its format takes that of the camera, and its track was known
    (``expect_sound``) before the first frame.

    Arguments:
        path: the file; its ending selects the format (``containers.CONTAINERS``).
        camera: the camera's name, for the file's metadata.
        settings: how it is written; segments and limits are ignored.

    Raises (every method):
        DiskError: with the system's reason. ``close`` still keeps what can be kept.
        NotSupported: pictures of this size cannot be encoded.
    """

    def __init__(self, path: Path, camera: str, settings: RecordSettings | None = None) -> None:
        self.path = path
        self.result = SegmentResult(path.name)
        self._camera = camera
        self._settings = settings or RecordSettings()
        self._timeline = Timeline()
        self._segment: Segment | None = None
        self._broken = False
        self._format = format_of_name(path.name, self._settings.format)
        self._sound = WaitingSound(self._format.container, None)

    def expect_sound(self, track: Track) -> None:
        """Note the track of the sound; call it before the first frame."""
        if self._segment is None:
            self._sound.track = track

    def write(self, frames: Iterable[Packet]) -> SegmentResult:
        """Add frames and sound, oldest first, and return the progress."""
        try:
            for frame in frames:
                if frame.track.kind == "audio":
                    self._keep_sound(frame)
                    continue
                reorder = frame.pts - frame.dts
                time_us = frame.time_us - reorder
                self._write(frame.bare(self._timeline.place(time_us, time.monotonic())))
            if self._segment is not None:
                self._segment.flush()
        except OSError as error:
            self._broken = True
            raise disk_error(self.path.name, error) from error
        return self.result

    def close(self, dropped: int = 0) -> SegmentResult:
        """Finish the file and give it its name.

        Arguments:
            dropped: frames that were left out before they reached this file.
        """
        segment, self._segment = self._segment, None
        if segment is None:
            return self.result
        try:
            try:
                at = self._timeline.at(time.monotonic()) or 0
                end = max(at, segment.last + self._timeline.interval)
                for sound in self._sound.before(end):
                    segment.write_sound(sound)
                segment.end(end)
            finally:
                segment.publish(dropped)
        except OSError as error:
            if not self._broken:
                raise disk_error(self.path.name, error) from error
        return self.result

    def _write(self, packet: Packet) -> None:
        if self._segment is not None and packet.size != self._segment.size:
            self._segment.result.dropped += 1  # one file has pictures of one size
            return
        if self._segment is None:
            self._segment = self._open(packet)
        while True:
            try:
                self._segment.write(packet)
                for sound in self._sound.before(packet.dts):
                    self._segment.write_sound(sound)
                break
            except FileExistsError:
                if self._segment.is_created:
                    raise
                # Another program has just begun a file of the same name.
                self._segment.abandon()
                self.path = self.path.with_name(reserve_next_name(self.path.parent, self.path.name))
                self._segment = self._open(packet)

    def _keep_sound(self, packet: Packet) -> None:
        """Keep sound until the pictures of its time are there, but not for long."""
        at, segment = self._timeline.time_of(packet.time_us), self._segment
        if at is None or segment is None:
            return
        self._sound.add(packet.bare(at))
        for sound in self._sound.late(segment.last + _PAUSE):
            segment.write_sound(sound)

    def _open(self, packet: Packet) -> Segment:
        sound = self._sound.usable_track()
        settings, format = self._settings, self._format
        segment = Segment(self.path, self._camera, format, settings, packet, sound=sound)
        self.result = segment.result
        return segment
