"""From the button to the end: one file after the other. All of it runs on the recorder's thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from twistedcam.recording.disk import check_mount
from twistedcam.recording.formats import Format
from twistedcam.recording.moment import Moment
from twistedcam.recording.names import give_back, take_free_name, take_next_name
from twistedcam.recording.partfile import disk_error
from twistedcam.recording.segment import Segment, SegmentResult
from twistedcam.recording.settings import RecordSettings

#: A timelapse is played at so many frames a second.
TIMELAPSE_FPS = 30
#: Microseconds without a picture after which the next one begins a new file.
GAP = 10_000_000


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
    """

    folder: Path
    camera: str
    name: str
    own_name: bool
    format: Format
    settings: RecordSettings
    every: float | None = None

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


class Session:
    """Writes frames into files, and begins a new one where it has to.

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

    def write(self, moments: Iterable[Moment]) -> Progress:
        """Add frames, oldest first.

        Raises:
            DiskError: with the system's reason.
            NotSupported: pictures of this size cannot be encoded.
        """
        try:
            for moment in moments:
                self._write(self._placed(moment))
        except OSError as error:
            raise disk_error(self._name, error) from error
        return self.progress()

    def cut(self) -> Progress:
        """The camera is gone for a while: finish the file; the next frame begins another.

        Raises:
            DiskError: with the system's reason.
        """
        try:
            self._end(self._last + self._interval)
        except OSError as error:
            raise disk_error(self._name, error) from error
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
        try:
            self._end(end)
        except OSError as error:
            raise disk_error(self._name, error) from error
        return self.progress()

    def progress(self) -> Progress:
        """How far it has come. Each closed file is handed out once."""
        closed, self._closed = self._closed, []
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
        )

    def _placed(self, moment: Moment) -> Moment:
        """In a timelapse a frame's time is its number's."""
        if self.plan.every is None:
            return moment
        self._count += 1
        return moment._replace(time=self._count * 1_000_000 // TIMELAPSE_FPS)

    def _write(self, moment: Moment) -> None:
        segment = self._segment
        if segment is not None:
            if moment.time - self._last > GAP:
                self._end(self._last + self._interval)
            elif self._is_over(segment, moment):
                self._end(moment.time)
        if self._segment is None:
            self._segment = self._begin(moment)
        if self._last and moment.time - self._last <= GAP:
            self._interval = moment.time - self._last
        self._last = moment.time
        try:
            self._segment.write(moment)
        except FileExistsError:
            if self._segment.appeared:
                raise
            self._begin_elsewhere(moment)

    def _is_over(self, segment: Segment, moment: Moment) -> bool:
        settings = self.plan.settings
        if (moment.width, moment.height) != segment.size:
            return True
        if moment.coded is not None and not moment.coded.is_keyframe:
            return False  # no file can begin here
        if settings.segment and moment.time - segment.started >= settings.segment * 1e6:
            return True
        return bool(settings.segment_size and segment.result.bytes >= settings.segment_size)

    def _begin(self, moment: Moment) -> Segment:
        plan = self.plan
        if self._files and plan.own_name:
            self._name = take_next_name(plan.folder, plan.name)
        elif self._files:
            suffix, when = plan.format.container.suffix, moment.captured_us / 1e6
            self._name = take_free_name(plan.folder, plan.camera, when, suffix)
        self._files += 1
        self._started = moment.captured_us / 1e6
        return self._open(moment)

    def _begin_elsewhere(self, moment: Moment) -> None:
        """Another server began a file of the same name a moment ago: a number is added."""
        wanted = self._name
        while self._segment is not None:
            self._segment.abandon()
            self._segment = None
            give_back(self.plan.folder / self._name)
            self._name = take_next_name(self.plan.folder, wanted)
            self._segment = self._open(moment)
            try:
                self._segment.write(moment)
            except FileExistsError:
                continue
            return

    def _open(self, moment: Moment) -> Segment:
        plan = self.plan
        path = plan.folder / self._name
        try:
            check_mount(plan.folder, plan.settings.require_mount)
            return Segment(path, plan.camera, plan.format, plan.settings, moment, plan.pace)
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
