"""What is told of a camera's recordings, in the log and as events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.logger import Logger

from twistedcam.errors import CameraFailed, CommandError, DiskError, NotSupported
from twistedcam.events import EventBus, Fault, RecordingChanged
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.recording.writer.session import Progress
from twistedcam.util.quantities import show_seconds, show_size, shown_path

log = Logger()


class RecordingReporter:
    """Tells of one camera's recordings.

    Arguments:
        camera: its name.
        folder: where its recordings are.
        events: where it is told.
    """

    def __init__(self, camera: str, folder: Path, events: EventBus) -> None:
        self._camera = camera
        self._folder = folder
        self._events = events

    def tell(
        self, what: str, name: str, result: Progress | SegmentResult | None = None, **more: str
    ) -> None:
        """Something has become of the file ``name`` (RecordingChanged.what)."""
        numbers: dict[str, Any] = {**more}
        if result is not None:
            numbers.update(
                frames=result.frames,
                seconds=round(result.seconds, 3),
                bytes=result.bytes,
                dropped=result.dropped,
            )
        log.info("{camera}: {text}", camera=self._camera, text=self._text(what, name, result, more))
        self._events.publish(RecordingChanged(self._camera, what, name, **numbers))

    def _text(
        self, what: str, name: str, result: Progress | SegmentResult | None, more: dict[str, str]
    ) -> str:
        path = shown_path(self._folder / name)
        if what in ("finished", "segment", "saved") and result is not None:
            files = getattr(result, "files", 1)
            of = f"{files} files, the last is " if files > 1 else ""
            return (
                f"recorded {of}{path} ({show_seconds(result.seconds)}, {show_size(result.bytes)})"
            )
        texts = {
            "started": f"recording to {path}",
            "writing": f"the first picture is in {path}",
            "waiting": f"the recording to {path} waits for a picture",
            "failed": f"the recording to {path} failed",
        }
        because = f": {more['reason']}" if "reason" in more else ""
        return texts.get(what, f"recording {what}: {path}") + because

    def waiting(self, name: str, reason: str | None) -> None:
        """It has no picture so far, for this reason; with None: it has one now."""
        if reason is None:
            self.tell("writing", name)
        else:
            self.tell("waiting", name, reason=reason)

    def left_out(self, reason: str, is_fault: bool) -> None:
        """Pictures are left out of a recording, which goes on.

        Arguments:
            is_fault: it is told as an event, too: as long as the camera is as it is, nothing of
                it can be recorded.
        """
        log.warn("{camera}, recording: {reason}", camera=self._camera, reason=reason)
        if is_fault:
            self._events.publish(Fault(self._camera, "not-supported", reason))

    def failed(self, progress: Progress, why: CommandError) -> None:
        """It is over, and is not what was asked for."""
        self.tell("failed", progress.name, progress, code=why.code, reason=str(why))

    def broke(self, progress: Progress, why: CommandError) -> None:
        """The same, by a fault of this computer."""
        self.failed(progress, why)
        self._fault(why)

    def refused(self, error: DiskError) -> None:
        """A recording that begins with the server could not."""
        log.error("{camera} is not recorded: {why}", camera=self._camera, why=str(error))
        self._fault(error)

    def _fault(self, error: CommandError) -> None:
        self._events.publish(Fault(self._camera, error.code, str(error)))


def no_picture(progress: Progress) -> CommandError:
    """There is no file of a recording, because there was nothing to put into it."""
    if progress.unsupported is not None:
        return NotSupported(progress.unsupported)
    what = (
        f"none of {progress.dropped} pictures can be read"
        if progress.dropped
        else "no picture came"
    )
    return CameraFailed(
        f"{what}, so there is no file {progress.name}: see what status says of the camera"
    )
