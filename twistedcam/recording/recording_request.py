"""A reason for which a camera is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from twistedcam.recording.writer.session import Progress


@dataclass(eq=False)
class RecordingRequest:
    """A reason for which a camera is recorded, until it is released (``Recorder.request``).

    It ends with its recording, whatever ends that.

    Arguments:
        reason: what asks for the recording.
        name: the name of the file at the time of the request.
    """

    reason: str
    name: str
    _release: Callable[[RecordingRequest], Deferred[Progress | None]]

    def release(self) -> Deferred[Progress | None]:
        """Release the recording; it ends if no other request holds it.

        Fires when its file is complete; with None if the recording goes on or had ended before.
        """
        return self._release(self)
