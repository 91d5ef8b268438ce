"""From the button to the end: one file after the other. All of it runs on the recorder's thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av.error

from twistedcam.codecs.h264_encoder import check_size
from twistedcam.errors import NotSupported
from twistedcam.media.packet import TimedFrame
from twistedcam.recording.containers import Format
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.disk_space import check_mount
from twistedcam.recording.writer.file_names import give_back, take_free_name, take_next_name
from twistedcam.recording.writer.segment import Segment, SegmentResult
from twistedcam.recording.writer.write_errors import recording_error
from twistedcam.stream.size_changes import PICTURES, SETTLED, Size, SizeChanges

#: A timelapse is played at so many frames a second.
TIMELAPSE_FPS = 30
#: Microseconds without a picture after which the next one begins a new file.
GAP = 10_000_000
#: Bytes of the frames of another size that wait.
_MOST_HELD = 64 * 2**20
#: Sizes that are remembered because they cannot be encoded.
_MOST_REFUSED = 64


@dataclass(frozen=True)
class Plan:
    """What is to be recorded and how.

    Arguments:
        folder: where files go.
        camera: the camera's name.
        name: the first file's name, which is taken (names.take); the session gives it back.
        own_name: whether a person gave it; the files after it are then called like it.
        format, settings: how it is written.
        every: seconds between two frames of a timelapse, or None.
        rate: frames a second that the camera gives at most, if that is known.
    """

    folder: Path
    camera: str
    name: str
    own_name: bool
    format: Format
    settings: RecordSettings
    every: float | None = None
    rate: float | None = None

    @property
    def grid(self) -> float | None:
        """Steps a second of a file that knows no times (AVI); None: fine ones."""
        return self.rate if self.every is None else TIMELAPSE_FPS

    @property
    def pace(self) -> float:
        """Seconds that pass for one that is played."""
        return 1.0 if self.every is None else self.every * TIMELAPSE_FPS


@dataclass
class Progress:
    """How far a recording has come: all its files together.

    Arguments:
        name: the file that is being written, or was last.
        files: how many there are.
        started: seconds since the UNIX epoch of the newest file's first frame; file_seconds and
            file_bytes: what that file has come to.
        closed: files that are complete but for their names since this was last asked for.
        unsupported: why pictures of some size are left out, or None.
        left_out: why pictures were left out, each reason once; those since this was last asked.
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
    left_out: list[str] = field(default_factory=list)


class RecordingSession:
    """Writes frames into files, and begins a new one where it has to.

    Frames that cannot be encoded are left out and counted. Frames of another size wait until it is
    known whether the camera has that size for good (SizeChanges). If so, they begin a new file. If
    not, they are fitted into the one under way, or left out where JPEGs are recorded as they are.

    After an error nothing more is written; ``finish`` is still to be called, and ``publish`` of
    each file that it hands out: only then are their names free for others, or theirs for good.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._segment: Segment | None = None
        self._name = plan.name
        self._files = 0
        self._started = 0.0
        self._count = 0
        self._last = 0
        self._interval = 1_000_000 // TIMELAPSE_FPS
        self._done = SegmentResult(plan.name)
        self._closed: list[Segment] = []
        #: Frames of another size, which wait.
        self._held: list[TimedFrame] = []
        self._sizes = SizeChanges()
        #: Sizes that cannot be encoded, and why.
        self._refused: dict[Size, str] = {}
        self._unsupported: str | None = None
        self._left_out: list[str] = []
        self._said: set[str] = set()

    def write(self, frames: Iterable[TimedFrame]) -> Progress:
        """Add frames, oldest first.

        Raises:
            DiskError: with the system's reason.
            RecordingFailed: it is not the disk's.
        """
        with self._errors():
            for frame in frames:
                self._write(self._placed(frame))
        return self.progress()

    def split(self) -> Progress:
        """The camera is gone for a while: finish the file; the next frame begins another.

        Raises:
            DiskError: with the system's reason.
        """
        with self._errors():
            self._flush_held()
            self._end(self._last + self._interval)
        return self.progress()

    def finish(self, at: int | None) -> Progress:
        """No more frames will come. What can be kept is kept, whatever went wrong.

        Arguments:
            at: until when the last frame is to be seen, on the timeline of the frames.

        Raises:
            DiskError: the index could not be written; the rest can be read without.
        """
        if not self._files:
            give_back(self.plan.folder / self.plan.name)
        end = self._last + self._interval
        if at is not None and self.plan.every is None:
            end = max(end, at)
        with self._errors():
            try:
                self._flush_held()
            finally:
                self._end(end)
        return self.progress()

    def progress(self) -> Progress:
        """How far it has come. Each closed file is handed out once."""
        closed, self._closed = self._closed, []
        left_out, self._left_out = self._left_out, []
        now = self._segment.result if self._segment is not None else SegmentResult(self._name)
        done = self._done
        return Progress(
            self._name,
            done.frames + now.frames,
            done.seconds + now.seconds,
            done.bytes + now.bytes,
            done.dropped + now.dropped,
            self._files,
            self._started,
            now.seconds,
            now.bytes,
            closed,
            self._unsupported,
            left_out,
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the system and FFmpeg say as what a person is told."""
        try:
            yield
        except (OSError, av.error.FFmpegError) as error:
            raise recording_error(self._name, error) from error

    def _placed(self, frame: TimedFrame) -> TimedFrame:
        """In a timelapse a frame's time is its number's."""
        if self.plan.every is None:
            return frame
        self._count += 1
        return frame._replace(time=self._count * 1_000_000 // TIMELAPSE_FPS)

    def _write(self, frame: TimedFrame) -> None:
        size = frame.width, frame.height
        if not self._is_encodable(size):
            self._done.dropped += 1
            return
        if self._segment is not None and frame.time - self._last > GAP:
            self._flush_held()
            self._end(self._last + self._interval)
        segment = self._segment
        if segment is not None and frame.packet is None and size != segment.size:
            self._keep_time(frame)
            self._hold(frame)
            return
        if self._held:  # it did not last
            self._fit_held(0)
            self._sizes.returned(frame.time)
        if segment is not None and self._is_over(segment, frame):
            self._end(frame.time)
        self._keep_time(frame)
        self._append(frame)

    def _keep_time(self, frame: TimedFrame) -> None:
        if self._last and frame.time - self._last <= GAP:
            self._interval = frame.time - self._last
        self._last = frame.time

    def _hold(self, frame: TimedFrame) -> None:
        """A frame of another size than the file's."""
        size = frame.width, frame.height
        if self._held and (self._held[0].width, self._held[0].height) != size:
            self._fit_held(0)
            self._sizes.returned(frame.time)
        self._held.append(frame)
        if self._sizes.has_settled(size, frame.time):
            self._change_size(frame.time)
            return
        while len(self._held) > PICTURES and (
            frame.time - self._held[0].time > SETTLED
            or sum(len(each.jpeg) for each in self._held) > _MOST_HELD
        ):
            self._fit_held(len(self._held) - 1)

    def _flush_held(self) -> None:
        """No more frames come for now: those that wait are written."""
        if self._held and self._sizes.may_settle(self._held[-1].time):
            self._change_size(self._held[-1].time)
        else:
            self._fit_held(0)

    def _change_size(self, time: int) -> None:
        """The frames that wait begin a new file."""
        held, self._held = self._held, []
        self._end(held[0].time)
        for each in held:
            self._append(each)
        self._sizes.changed(time)

    def _fit_held(self, left: int) -> None:
        """The oldest of the frames that wait go into the file under way."""
        while len(self._held) > left:
            self._append(self._held.pop(0))

    def _append(self, frame: TimedFrame) -> None:
        """Into the file under way, or a new one."""
        if self._segment is None:
            if frame.packet is not None and not frame.packet.is_keyframe:
                self._done.dropped += 1  # no file can begin here; soon there is one that can
                return
            try:
                self._segment = self._begin(frame)
            except (NotSupported, av.error.FFmpegError) as error:
                if frame.packet is None:
                    self._refuse((frame.width, frame.height), str(error))
                self._done.dropped += 1
                return
        broken = self._segment.result.broken
        self._write_to_segment(frame)
        if self._segment is not None and self._segment.result.broken > broken:
            self._leave_out("pictures that cannot be decoded are left out")

    def _is_encodable(self, size: Size) -> bool:
        if size in self._refused:
            return False
        if self.plan.format.codec == "h264":
            try:
                check_size(*size)
            except NotSupported as error:
                self._refuse(size, str(error))
                return False
        return True

    def _refuse(self, size: Size, reason: str) -> None:
        if len(self._refused) < _MOST_REFUSED:
            self._refused[size] = reason
        if self._unsupported is None:
            self._unsupported = reason
            self._leave_out(reason)

    def _leave_out(self, reason: str) -> None:
        if reason not in self._said:
            self._said.add(reason)
            self._left_out.append(reason)

    def _write_to_segment(self, frame: TimedFrame) -> None:
        assert self._segment is not None
        try:
            self._segment.write(frame)
        except FileExistsError:
            if self._segment.appeared:
                raise
            self._begin_elsewhere(frame)

    def _is_over(self, segment: Segment, frame: TimedFrame) -> bool:
        settings = self.plan.settings
        if frame.packet is not None:
            if frame.packet.generation != segment.generation:
                return True  # the encoder has another size
            if not frame.packet.is_keyframe:
                return False  # no file can begin here
        if segment.is_full:
            return True
        if settings.segment and frame.time - segment.started >= settings.segment * 1e6:
            return True
        return bool(settings.segment_size and segment.result.bytes >= settings.segment_size)

    def _begin(self, frame: TimedFrame) -> Segment:
        plan = self.plan
        if self._files and plan.own_name:
            self._name = take_next_name(plan.folder, plan.name)
        elif self._files:
            suffix, when = plan.format.container.suffix, frame.captured_us / 1e6
            self._name = take_free_name(plan.folder, plan.camera, when, suffix)
        self._files += 1
        self._started = frame.captured_us / 1e6
        return self._open(frame)

    def _begin_elsewhere(self, frame: TimedFrame) -> None:
        """Another server began a file of the same name a frame ago: a number is added."""
        wanted = self._name
        while self._segment is not None:
            self._segment.abandon()
            self._segment = None
            give_back(self.plan.folder / self._name)
            self._name = take_next_name(self.plan.folder, wanted)
            self._segment = self._open(frame)
            try:
                self._segment.write(frame)
            except FileExistsError:
                continue
            return

    def _open(self, frame: TimedFrame) -> Segment:
        plan = self.plan
        path = plan.folder / self._name
        try:
            check_mount(plan.folder, plan.settings.require_mount)
            return Segment(
                path, plan.camera, plan.format, plan.settings, frame, plan.pace, plan.grid
            )
        except BaseException:
            give_back(path)
            raise

    def _end(self, at: int) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        self._closed.append(segment)
        try:
            segment.end(at)
        finally:
            result, done = segment.result, self._done
            done.frames += result.frames
            done.seconds += result.seconds
            done.bytes += result.bytes
            done.dropped += result.dropped
