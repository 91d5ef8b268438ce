"""Frames that are in memory become a file, beside whatever is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twistedcam.errors import CommandError
from twistedcam.media.packet import TimedFrame
from twistedcam.recording.writer.job import WriteJob
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.recording.writer.session import Plan, Progress
from twistedcam.runtime.threads import Thread


class _Listener:
    """Hears how it went."""

    def __init__(self) -> None:
        self.result: SegmentResult | None = None
        self.error: CommandError | None = None

    def began(self) -> None:
        """The end is waited for anyway."""

    def left_out(self, reason: str) -> None:
        """The count is in the answer."""

    def published(self, result: SegmentResult) -> None:
        self.result = result

    def broke(self, error: CommandError) -> None:
        self.error = error


async def save(
    plan: Plan, frames: Iterable[TimedFrame], make_thread: Callable[[], Thread]
) -> tuple[Progress, SegmentResult | None]:
    """Write them; what they came to, and the file if there is one.

    Raises:
        DiskError: it cannot be written.
        NotSupported: pictures of this size cannot be encoded.
    """
    listener = _Listener()
    progress = await WriteJob(plan, frames, make_thread, listener).finish(None)
    if listener.error is not None:
        raise listener.error
    return progress, listener.result
