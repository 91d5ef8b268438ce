"""Log lines and events about a camera's recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.logger import Logger

from twistedcam.errors import CameraFailed, CommandError, NotSupported
from twistedcam.events import EventBus, Fault, RecordingChanged
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.recording.writer.session import Progress
from twistedcam.util.quantities import show_seconds, show_size, shown_path

log = Logger()

_TEXTS = {
    "started": "recording to {path}",
    "writing": "the first picture is in {path}",
    "waiting": "the recording to {path} waits for a picture",
    "failed": "the recording to {path} failed",
}


class RecordingReporter:
    """Reports on one camera's recordings."""

    def __init__(self, camera: str, folder: Path, events: EventBus) -> None:
        self._camera = camera
        self._folder = folder
        self._events = events

    def report(
        self, what: str, name: str, result: Progress | SegmentResult | None = None, **more: str
    ) -> None:
        """Log and publish a change of the file ``name``; for ``what`` see RecordingChanged."""
        numbers: dict[str, Any] = {**more}
        if result is not None:
            numbers.update(
                frames=result.frames,
                seconds=round(result.seconds, 3),
                bytes=result.bytes,
                dropped=result.dropped,
            )
        text = self._text(what, name, result)
        because = f": {more['reason']}" if "reason" in more else ""
        log.info("{camera}: {text}", camera=self._camera, text=text + because)
        self._events.publish(RecordingChanged(self._camera, what, name, **numbers))

    def _text(self, what: str, name: str, result: Progress | SegmentResult | None) -> str:
        path = shown_path(self._folder / name)
        if what in ("finished", "segment", "saved") and result is not None:
            files = getattr(result, "files", 1)
            of = f"{files} files, the last is " if files > 1 else ""
            length, size = show_seconds(result.seconds), show_size(result.bytes)
            return f"recorded {of}{path} ({length}, {size})"
        return _TEXTS.get(what, f"recording {what}: {{path}}").format(path=path)

    def waiting(self, name: str, reason: str | None) -> None:
        """Report why a recording has no picture so far; None if it has its first one now."""
        if reason is None:
            self.report("writing", name)
        else:
            self.report("waiting", name, reason=reason)

    def skip_reasons(self, reason: str, is_fault: bool) -> None:
        """Log that a recording leaves out pictures.

        Arguments:
            is_fault: publish a fault too: the camera cannot be recorded as it is now.
        """
        log.warn("{camera}, recording: {reason}", camera=self._camera, reason=reason)
        if is_fault:
            self._events.publish(Fault(self._camera, "not-supported", reason))

    def failed(self, progress: Progress, error: CommandError) -> None:
        """Report a recording that has ended with an error."""
        self.report("failed", progress.name, progress, code=error.code, reason=str(error))

    def fault(self, error: CommandError) -> None:
        """Publish a fault of this computer."""
        self._events.publish(Fault(self._camera, error.code, str(error)))


def no_picture_error(progress: Progress) -> CommandError:
    """The error for a recording that has no file because nothing could be written to it."""
    if progress.unsupported is not None:
        return NotSupported(progress.unsupported)
    what = "no picture came"
    if progress.dropped:
        what = f"none of {progress.dropped} pictures can be read"
    return CameraFailed(
        f"{what}, so there is no file {progress.name}: see what status says of the camera"
    )
