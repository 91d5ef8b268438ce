"""One file of a recording. All methods block; they run on threads of the write job."""

from __future__ import annotations

import os
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from errno import ENOENT, ENOSPC
from fractions import Fraction
from pathlib import Path
from typing import Any

from twistedcam.errors import CommandError, RecordingFailed
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.containers import Format
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.avi_date import write_date, write_rate
from twistedcam.recording.writer.container_writer import open_writer
from twistedcam.recording.writer.disk_space import ROOM, free_bytes, largest_file
from twistedcam.recording.writer.faststart import SUFFIXES, copy_with_index_in_front
from twistedcam.recording.writer.file_names import release_name
from twistedcam.recording.writer.metadata_tag import Tag, utc_text, write_dropped
from twistedcam.recording.writer.muxing import FileContents
from twistedcam.recording.writer.part_file import PartFile, disk_error
from twistedcam.recording.writer.sound_track import SoundPiece, SoundTrack
from twistedcam.runtime.clock import boot_id, uptime
from twistedcam.util.libraries import av

#: Bytes of a frame in the index.
_INDEX_ENTRY = 40
#: This part of the largest file size is left for frames that the muxer still holds.
_SPARE_PART = 16
#: Bytes of a file whose index is moved to its front before it gets its name.
MAX_SMALL_FILE = 16 * 2**20
#: Microseconds of recording between two checks of the disk.
_DISK_CHECK_PERIOD = 400_000
#: Microseconds between two pictures above which the newest ones are written behind the file.
_SLOW_PERIOD = 150_000
#: Seconds for which sound may be late. Then silence is written, up to so many microseconds ago.
_LATEST_SOUND, _FILL_UNTIL = 2.0, 1_000_000
#: Factor by which a camera may exceed its nominal rate without losing a frame in an AVI.
RATE_TOLERANCE = 1.25
#: Steps by which a frame of an AVI may come too early for its position.
_MAX_EARLY_STEPS = 2.0
#: Seconds above which the last picture of an AVI is written once more at its end.
_MAX_LAST_PICTURE = 0.1


@dataclass
class SegmentResult:
    """Length, size and counts of a file."""

    name: str
    frames: int = 0
    seconds: float = 0.0
    bytes: int = 0
    #: Broken pictures, pictures of another size, and pictures without a free step in an AVI.
    dropped: int = 0
    #: Those of them that could not be decoded or written.
    broken: int = 0

    def __add__(self, other: SegmentResult) -> SegmentResult:
        """The sums of two files, under the name of the first."""
        frames, seconds = self.frames + other.frames, self.seconds + other.seconds
        size, dropped = self.bytes + other.bytes, self.dropped + other.dropped
        return SegmentResult(self.name, frames, seconds, size, dropped, self.broken + other.broken)


class MuxerError(OSError):
    """FFmpeg could not finish a file; the disk is not the cause."""


def recording_error(name: str, error: Exception) -> CommandError:
    """The error for a file that could not be written.

    An error of FFmpeg is never about the disk, although PyAV makes OSErrors of some: FFmpeg writes
    through PartFile, which keeps the disk's errors to itself.
    """
    if isinstance(error, (av.error.FFmpegError, MuxerError)):
        return RecordingFailed(f"{name}: FFmpeg cannot write it: {error.strerror or error}")
    if isinstance(error, OSError):
        return disk_error(name, error)
    return RecordingFailed(f"{name}: {type(error).__name__}: {error}")


class Segment:
    """A file that is being written.

    Arguments:
        first: its first frame; pass it to ``write`` too.
        pace: seconds of recording in one second of playback; more than 1 in a timelapse.
        rate: highest number of frames a second, if known, for an AVI's header and an encoder.
        sound: the track of its sound; None: it has none.

    Raises (every method but ``publish``):
        OSError: from the system. What was written before can still be published.
        av.error.FFmpegError: FFmpeg cannot write the file.
    """

    def __init__(
        self,
        path: Path,
        camera: str,
        format: Format,
        settings: RecordSettings,
        first: Packet,
        pace: float = 1.0,
        rate: float | None = None,
        sound: Track | None = None,
    ) -> None:
        self.result = SegmentResult(path.name)
        self.size = first.size
        self.started = self.last = first.dts
        if format.container.muxer == "avi" and rate is not None:
            step = 1 / Fraction(rate).limit_denominator(1001)
            format = replace(format, container=replace(format.container, time_base=step))
        self._base = format.container.time_base
        #: Steps of the file in a microsecond, and seconds in a step: fractions take their time.
        self._rate = 1 / (1_000_000 * self._base)
        self._step = float(self._base)
        self._early = 0.5 if rate is None else _MAX_EARLY_STEPS
        self._pace, self._settings = pace, settings
        self._strict_grid = format.container.muxer == "avi"
        #: The track of its packets, which a file has one of; its JPEGs may change their size.
        self.track = first.track
        self._takes_other_sizes = format.codec != "copy" or first.track.codec != "mjpeg"
        self._file = PartFile(path)
        self._largest = largest_file(path.parent)
        date = utc_text(first.time_us / 1e6)
        tag = Tag(
            camera,
            path.name,
            made=time.time(),
            boot=boot_id(),
            up=uptime(),
            kind="recording" if pace == 1.0 else "timelapse",
        )
        metadata = {"creation_time": date, "date": date, "comment": str(tag)}
        contents = FileContents(format, settings, first, pace, rate, sound, metadata)
        self._writer = open_writer(self._file, contents)
        self._is_closed = False
        self._sound = None if sound is None else SoundTrack(sound, self.started)
        #: The encoded picture that the muxer gets when its duration is known.
        self._held: Any = None
        #: The newest frame of an AVI, which may be repeated at its end.
        self._last: Packet | None = None
        self._last_pts = -1
        self._is_slow = True
        self._disk_checked_at = first.dts
        if self._strict_grid:
            self._file.change(lambda file: write_date(file, first.time_us / 1e6))
        self._header = self._file.size

    def write(self, frame: Packet) -> None:
        """Add a frame.

        The muxer gets it with the next one, when its duration is known. If that may take long, it
        is written behind the file until then. A JPEG of another size is scaled, or left out.
        """
        if not self._takes_other_sizes and frame.size != self.size:
            self.result.dropped += 1
            return
        pts = self._place(frame.dts)
        if pts is None:
            self.result.dropped += 1
            return
        picture = self._writer.encode(frame, pts)
        if picture is None:
            self.result.dropped += 1
            self.result.broken += 1
            return
        self._mux(pts)
        self._held, self._last_pts = picture, pts
        self.result.frames += 1
        step = (frame.dts - self.last) * self._pace
        self._is_slow = self.result.frames == 1 or step >= _SLOW_PERIOD
        self.last = frame.dts
        if self._strict_grid:
            self._last = frame
            self._mux(pts + 1)  # pictures have no duration in an AVI
        elif self._is_slow:
            self._put_tail()
        if self._sound is not None and self._sound.missing(frame.dts) > _LATEST_SOUND:
            self._mux_sound(self._sound.fill(frame.dts - _FILL_UNTIL))
        self._check_disk(frame.dts)

    def write_sound(self, packet: Packet) -> None:
        """Add a packet of sound; silence comes before it if it is late.

        Sound from before the file's first picture is left out.
        """
        if self._sound is not None and packet.track == self._sound.track:
            self._mux_sound(self._sound.place(packet))

    def flush(self) -> None:
        """Write to the file what its container holds back: others may come later."""
        before = self._file.size
        self._writer.flush()
        self._after_mux()
        self._note_growth(before)

    def wait_for_sound(self) -> None:
        """Write its newest pictures behind the file: it gets only sound from now on.

        That may take a second, and a crash meanwhile may cost what is newer, but not them.
        """
        self._is_slow = True
        if self._held is not None:
            self._put_tail()

    def join(self, packet: Packet) -> bool:
        """Continue with packets of the encoding that was begun here; False if it is another."""
        if packet.is_keyframe and self._writer.can_continue(packet.track):
            self.track = packet.track
        return self.track is packet.track

    @property
    def is_full(self) -> bool:
        """True if it is close to the largest file size of the file system (4 GiB on FAT)."""
        most, index = self._largest, _INDEX_ENTRY * self.result.frames
        return most is not None and self.result.bytes + index >= most - most // _SPARE_PART

    @property
    def sound(self) -> Track | None:
        """The track of its sound; None: it has none."""
        return None if self._sound is None else self._sound.track

    @property
    def is_created(self) -> bool:
        """True if the file is on the disk."""
        return self._file.is_created

    def abandon(self) -> None:
        """Discard a file that is not on the disk."""
        self._is_closed = True
        with suppress(av.error.FFmpegError):
            self._writer.close()
        self._file.discard()

    def _place(self, time: int) -> int | None:
        """The frame's time in the file; None if an AVI has no free step for it."""
        if not self._strict_grid:
            up, down = self._rate.numerator, self._rate.denominator
            nearest = (2 * (time - self.started) * up + down) // (2 * down)
            return max(nearest, self._last_pts + 1)
        steps = self._steps(time)
        pts = max(round(steps), self._last_pts + 1)
        # A camera may be a little faster than its nominal rate: see _set_true_rate.
        if pts - steps > max(self._early, float(steps) * (RATE_TOLERANCE - 1)):
            return None
        return pts

    def _steps(self, time: int) -> Fraction:
        return Fraction(time - self.started, 1_000_000) / self._base

    def end(self, at: int) -> None:
        """Finish the contents: the last frame ends at ``at``, and the index follows."""
        try:
            until = round(self._steps(at))
            self._mux(max(until, self._last_pts + 1))
            if self._sound is not None:
                self._mux_sound(self._sound.fill(at))
            self._writer.end_pictures()
            if self._strict_grid:
                self._fill_grid(until)
            self.result.seconds = float(max(until, self._last_pts + 1) * self._base)
        finally:
            self._close()
        if self._strict_grid:
            self._set_true_rate()
        self.result.bytes = self._file.size
        if self._file.error is not None:
            raise self._file.error

    def publish(self, dropped: int) -> None:
        """Sync the file and give it its final name; discard a file without a picture.

        After that the name is no longer reserved.

        Arguments:
            dropped: frames that were left out before they reached this file.

        Raises:
            OSError: that failed; the file stays under its hidden name.
        """
        try:
            self._publish(dropped)
        finally:
            release_name(self._file.path)

    def _publish(self, dropped: int) -> None:
        self._close()
        if not self._file.is_worth_keeping:
            self._file.discard()
            self.result.bytes = 0
            return
        self.result.dropped += dropped
        with suppress(OSError):  # a missing count is no reason to leave the file hidden
            write_dropped(self._file.fileno(), self.result.dropped)
        self.result.bytes = self._file.size
        self.result.name = self._file.publish(self._copy).name

    def _copy(self, part: Path) -> Path | None:
        """A copy with the index in front, if that is quick (see ``library.faststart_queue``)."""
        if self._file.path.suffix.lower() not in SUFFIXES or self.result.bytes > MAX_SMALL_FILE:
            return None
        try:
            return copy_with_index_in_front(part, self._settings.keep_free or 0)
        except (OSError, struct.error):
            return None

    def _mux(self, until: int) -> None:
        """Write the picture that was held back; it is shown until that step of the file."""
        picture, self._held = self._held, None
        if picture is None:
            return
        if not self._writer.mux(picture, until):
            self.result.frames -= 1
            self.result.dropped += 1
            self.result.broken += 1
        self._after_mux()
        self.result.seconds = until * self._step
        self.result.bytes = self._file.size

    def _mux_sound(self, pieces: list[SoundPiece]) -> None:
        before = self._file.size
        for each in pieces:
            self._writer.mux_sound(each)
            self._after_mux()
        self._note_growth(before)

    def _note_growth(self, before: int) -> None:
        """Note the file's size, and write the tail again if the file has grown since ``before``."""
        if self._file.size > before:
            self.result.bytes = self._file.size
            if self._is_slow and self._held is not None:
                self._put_tail()

    def _after_mux(self) -> None:
        """Check for an error of the disk, and note what is in the file."""
        if self._file.error is not None:
            raise self._file.error
        if self._file.size > self._header:
            self._file.create()
            self._file.mark()

    def _put_tail(self) -> None:
        self._file.create()
        self._file.put_tail(self._writer.unwritten(self._held))
        if self._file.error is not None:
            raise self._file.error

    def _fill_grid(self, until: int) -> None:
        """Repeat the last picture of an AVI at its end, where its duration would be too short."""
        left = until - self._last_pts
        if left > 1 and left * self._base > _MAX_LAST_PICTURE and self._last is not None:
            self._held = self._writer.encode(self._last, until - 1)
            self._mux(until)

    def _set_true_rate(self) -> None:
        """Correct the rate of an AVI that got more frames than its header says."""
        steps = float(self._steps(self.last))
        if self._last_pts - steps > _MAX_EARLY_STEPS and self._file.error is None:
            faster = self._last_pts / steps
            self._file.change(lambda file: write_rate(file, faster / float(self._base)))
            self.result.seconds /= faster

    def _check_disk(self, time: int) -> None:
        """Check now and then that the file still exists and that there is room for more."""
        if time - self._disk_checked_at < _DISK_CHECK_PERIOD:
            return
        self._disk_checked_at = time
        if self._file.is_created and not self._file.part.exists():
            reason = f"{os.strerror(ENOENT)} any more (deleted, or the disk was unmounted)"
            raise OSError(ENOENT, reason)
        with suppress(FileNotFoundError):
            if free_bytes(self._file.path.parent) < ROOM + _INDEX_ENTRY * self.result.frames:
                raise OSError(ENOSPC, os.strerror(ENOSPC))

    def _close(self) -> None:
        """Close the writer, which writes the index."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._writer.close()
        except av.error.FFmpegError as error:
            self._file.error = self._file.error or MuxerError(error.errno, error.strerror)
        if self._file.error is None:
            if not self._file.is_created and self.result.frames:
                self._file.create()
            self._file.mark()
