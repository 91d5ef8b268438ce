"""Writes a recording as one file after another. All methods run on the writing thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from twistedcam.codecs.h264_encoder import check_size
from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.recording.writer.file_names import (
    release_name,
    reserve_free_name,
    reserve_next_name,
)
from twistedcam.recording.writer.plan import TIMELAPSE_FPS, Plan
from twistedcam.recording.writer.segment import Segment, SegmentResult, recording_error
from twistedcam.recording.writer.waiting_sound import WaitingSound
from twistedcam.stream.size_changes import PICTURES, SETTLED, Size, SizeChanges
from twistedcam.util.libraries import av

#: Microseconds without a picture after which a new file begins.
MAX_GAP = 10_000_000
#: Bytes of frames of another size that are held back.
_MAX_HELD = 64 * 2**20
#: Sizes that cannot be encoded, remembered at most.
_MAX_REFUSED = 64
#: Microseconds after the last picture up to which sound is written though no other may follow in
#: the same file, and microseconds of pictures for which a file waits for its last sound.
_MAX_PAUSE, _MAX_SOUND_DELAY = 1_000_000, 1_000_000


@dataclass
class Progress:
    """The progress of a recording, all its files together.

    Arguments:
        name: the file that is being written, or was last.
        files: number of files.
        started: time of the newest file's first frame, in seconds since the UNIX epoch.
        file_seconds, file_bytes: length and size of that file.
        closed: files that lack only their names, since the progress was last asked for.
        unsupported: why pictures of some size are left out, or None.
        skip_reasons: new reasons for which pictures were left out, since it was last asked for.
    """

    name: str
    frames: int = 0
    seconds: float = 0.0
    bytes: int = 0
    dropped: int = 0
    files: int = 0
    started: float = 0.0
    file_seconds: float = 0.0
    file_bytes: int = 0
    closed: list[Segment] = field(default_factory=list)
    unsupported: str | None = None
    skip_reasons: list[str] = field(default_factory=list)


class RecordingSession:
    """Writes frames into files and begins new files where necessary.

    Frames that cannot be encoded are left out and counted. Frames of another size are held back
    until it is known if the size lasts (SizeChanges). If it does, they begin a new file. If not,
    they are scaled into the current file, or left out where JPEGs are recorded as they are.

    Sound is written behind the pictures of its time. It arrives later than they do, or earlier, so
    a file that is over waits for its last sound while the next one is begun already.

    After an error nothing more is written. Call ``finish`` all the same, and ``publish`` of each
    file in ``closed``: that is when a name is given back or given to the file.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._segment: Segment | None = None
        self._name = plan.name
        self._files = 0
        self._started = 0.0
        self._count = 0
        self._last = 0
        #: True after a gap, until a new file begins.
        self._has_gap = False
        self._interval = 1_000_000 // TIMELAPSE_FPS
        #: The sums of the files that have ended, and of frames that are in no file.
        self._finished_files = SegmentResult(plan.name)
        self._closed: list[Segment] = []
        #: Frames of another size, held back.
        self._held: list[Packet] = []
        self._sizes = SizeChanges()
        #: Reasons by sizes that cannot be encoded.
        self._refused: dict[Size, str] = {}
        self._unsupported: str | None = None
        self._left_out: list[str] = []
        self._reported: set[str] = set()
        #: The camera's sound; files that begin get its track.
        self.sound = WaitingSound(plan.format.container, plan.sound)
        #: A file that lacks its last sound only, and its end.
        self._ending: tuple[Segment, int] | None = None

    def write(self, frames: Iterable[Packet]) -> Progress:
        """Add frames, oldest first.

        Raises:
            DiskError: with the system's reason.
            RecordingFailed: the disk is not the cause.
        """
        with self._errors():
            for frame in frames:
                if frame.track.kind == "audio":
                    self._take_sound(frame)
                else:
                    self._write(self._placed(frame))
            if self._segment is not None:
                self._segment.flush()
        return self.progress()

    def split(self) -> Progress:
        """Finish the file; the next frame begins another one.

        Raises:
            DiskError: with the system's reason.
        """
        with self._errors():
            self._flush_held()
            self._end(self._last + self._interval)
            self._finish_ending()
            self.sound.clear()
        return self.progress()

    def finish(self, at: int | None) -> Progress:
        """End the recording. After an error, what can be kept is kept.

        Arguments:
            at: end of the last frame on the frames' timeline, or None.

        Raises:
            DiskError: the index could not be written; the file can be read without.
        """
        if not self._files:
            release_name(self.plan.folder / self.plan.name)
        end = self._last + self._interval
        if at is not None and self.plan.every is None:
            end = max(end, at)
        with self._errors():
            try:
                self._flush_held()
            finally:
                try:
                    self._end(end)
                finally:
                    self._finish_ending()
        return self.progress()

    def progress(self) -> Progress:
        """The progress now. Each closed file is handed out once."""
        closed, self._closed = self._closed, []
        skip_reasons, self._left_out = self._left_out, []
        now = self._segment.result if self._segment is not None else SegmentResult(self._name)
        ending = SegmentResult("") if self._ending is None else self._ending[0].result
        total = self._finished_files + ending + now
        return Progress(
            self._name,
            *(total.frames, total.seconds, total.bytes, total.dropped),
            *(self._files, self._started, now.seconds, now.bytes),
            *(closed, self._unsupported, skip_reasons),
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors of the system and of FFmpeg into command errors."""
        try:
            yield
        except (OSError, av.error.FFmpegError) as error:
            raise recording_error(self._name, error) from error

    def _placed(self, frame: Packet) -> Packet:
        """The frame with its time of playback: in a timelapse, that of its number."""
        if self.plan.every is None:
            return frame
        self._count += 1
        return frame.bare(self._count * 1_000_000 // TIMELAPSE_FPS)

    def _write(self, frame: Packet) -> None:
        size = frame.size
        if frame.track.is_independent and not self._is_encodable(size):
            self._finished_files.dropped += 1
            return
        if self._segment is not None and frame.dts - self._last > MAX_GAP:
            self._has_gap = True
        if self._has_gap and frame.is_keyframe:  # a file begins with a key frame
            self._flush_held()
            self._end(self._last + self._interval)
        segment = self._segment
        if segment is not None and self._is_other_size(frame, segment):
            self._keep_time(frame)
            self._hold(frame)
            return
        if self._held:  # the other size did not last
            self._fit_held(0)
            self._sizes.returned(frame.dts)
        if segment is not None and self._is_over(segment, frame):
            self._end(frame.dts)
        self._keep_time(frame)
        self._append(frame)

    def _is_other_size(self, frame: Packet, segment: Segment) -> bool:
        """True if a JPEG has another size than the file, which has JPEGs of the camera, too."""
        is_jpeg = frame.track.codec == segment.track.codec == "mjpeg"
        return is_jpeg and frame.size != segment.size

    def _keep_time(self, frame: Packet) -> None:
        if self._last and frame.dts - self._last <= MAX_GAP:
            self._interval = frame.dts - self._last
        self._last = frame.dts

    def _hold(self, frame: Packet) -> None:
        """Hold back a frame of another size than the file's."""
        size = frame.size
        if self._held and self._held[0].size != size:
            self._fit_held(0)
            self._sizes.returned(frame.dts)
        self._held.append(frame)
        if self._sizes.has_settled(size, frame.dts):
            self._change_size(frame.dts)
            return
        while len(self._held) > PICTURES and (
            frame.dts - self._held[0].dts > SETTLED
            or sum(len(each.data) for each in self._held) > _MAX_HELD
        ):
            self._fit_held(len(self._held) - 1)

    def _flush_held(self) -> None:
        """Write the frames that are held back: no others come for now."""
        if self._held and self._sizes.may_settle(self._held[-1].dts):
            self._change_size(self._held[-1].dts)
        else:
            self._fit_held(0)

    def _change_size(self, time: int) -> None:
        """Begin a new file with the frames that are held back."""
        held, self._held = self._held, []
        self._end(held[0].dts)
        for each in held:
            self._append(each)
        self._sizes.changed(time)

    def _fit_held(self, left: int) -> None:
        """Scale held frames into the current file until ``left`` are held."""
        while len(self._held) > left:
            self._append(self._held.pop(0))

    def _append(self, frame: Packet) -> None:
        """Write a frame to the current file, or to a new one."""
        if self._segment is None:
            if not frame.is_keyframe:
                self._finished_files.dropped += 1  # a file begins with a key frame
                return
            try:
                self._segment = self._begin(frame)
            except (NotSupported, av.error.FFmpegError) as error:
                if frame.track.is_independent:
                    self._refuse(frame.size, str(error))
                self._finished_files.dropped += 1
                return
        broken = self._segment.result.broken
        self._write_to_segment(frame)
        if self._segment is not None and self._segment.result.broken > broken:
            self._leave_out("pictures that cannot be decoded are left out")
        if self.sound:
            self._write_sound(self.sound.before(frame.dts))
        if self._ending is not None and frame.dts - self._ending[1] > _MAX_SOUND_DELAY:
            self._finish_ending()

    def _take_sound(self, sound: Packet) -> None:
        """Keep sound until the pictures of its time are there, but not for long."""
        if self._ending is not None:
            segment, end = self._ending
            if sound.pts < end:
                segment.write_sound(sound)
                return
            self._finish_ending()
        self.sound.add(sound)
        if self._segment is not None and not self._held:
            self._write_sound(self.sound.late(self._last + max(_MAX_PAUSE, 2 * self._interval)))

    def _write_sound(self, packets: Iterable[Packet]) -> None:
        """Write sound to the current file; drop it if there is none."""
        for each in packets:
            if self._segment is not None:
                self._segment.write_sound(each)

    def _is_encodable(self, size: Size) -> bool:
        if size in self._refused:
            return False
        if self.plan.format.codec != "copy":
            try:
                check_size(*size)
            except NotSupported as error:
                self._refuse(size, str(error))
                return False
        return True

    def _refuse(self, size: Size, reason: str) -> None:
        if len(self._refused) < _MAX_REFUSED:
            self._refused[size] = reason
        if self._unsupported is None:
            self._unsupported = reason
            self._leave_out(reason)

    def _leave_out(self, reason: str) -> None:
        if reason not in self._reported:
            self._reported.add(reason)
            self._left_out.append(reason)

    def _write_to_segment(self, frame: Packet) -> None:
        """Write a frame; under the next free name if another server has just taken the file's."""
        wanted = self._name
        while self._segment is not None:
            try:
                self._segment.write(frame)
                return
            except FileExistsError:
                if self._segment.is_created:
                    raise
            self._segment.abandon()
            self._segment = None
            release_name(self.plan.folder / self._name)
            self._name = reserve_next_name(self.plan.folder, wanted)
            self._segment = self._open(frame)

    def _is_over(self, segment: Segment, frame: Packet) -> bool:
        settings = self.plan.settings
        if frame.track.codec != segment.track.codec and not segment.join(frame):
            return True
        if not frame.track.is_independent:
            if frame.track != segment.track:
                return True  # a player needs other parameter sets
            if not frame.is_keyframe:
                return False  # a file begins with a key frame
        if segment.is_full or self.sound.is_other_than(segment.sound):
            return True
        if settings.segment and frame.dts - segment.started >= settings.segment * 1e6:
            return True
        return bool(settings.segment_size and segment.result.bytes >= settings.segment_size)

    def _begin(self, frame: Packet) -> Segment:
        plan = self.plan
        if self._files and plan.own_name:
            self._name = reserve_next_name(plan.folder, plan.name)
        elif self._files:
            suffix, when = plan.format.container.suffix, frame.time_us / 1e6
            self._name = reserve_free_name(plan.folder, plan.camera, when, suffix)
        self._files += 1
        self._started = frame.time_us / 1e6
        return self._open(frame)

    def _open(self, frame: Packet) -> Segment:
        plan = self.plan
        path = plan.folder / self._name
        try:
            check_mount(plan.folder, plan.settings.require_mount)
            sound = self.sound.usable_track()
            if self.sound.fault is not None:
                self._leave_out(f"sound is left out: {self.sound.fault}")
            return Segment(
                path, plan.camera, plan.format, plan.settings, frame, plan.pace, plan.grid, sound
            )
        except BaseException:
            release_name(path)
            raise

    def _end(self, at: int) -> None:
        """End the current file, unless its last sound has not come yet."""
        try:
            self._finish_ending()
            self._write_sound(self.sound.before(at))
        finally:
            segment, self._segment = self._segment, None
            self._has_gap = False
            if segment is not None:
                self._ending = segment, at
                if segment.sound is None or self.sound:
                    self._finish_ending()
                else:
                    segment.wait_for_sound()

    def _finish_ending(self) -> None:
        """End the file that has waited for its last sound."""
        if self._ending is None:
            return
        (segment, at), self._ending = self._ending, None
        self._closed.append(segment)
        try:
            segment.end(at)
        finally:
            self._finished_files += segment.result
