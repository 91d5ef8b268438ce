"""Records here, in the viewer, what comes: in the same files as the server does."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError
from twistedcam.frame import Frame
from twistedcam.recording.formats import CONTAINERS
from twistedcam.recording.segment import SegmentResult
from twistedcam.recording.single import FileRecording

#: Frames that may wait for the disk; beyond it new ones are left out and counted.
_QUEUE = 120


class LocalRecorder:
    """One recording, written by a thread of its own.

    Arguments:
        path: the file; its ending says the format, and it must not exist.

    Raises:
        BadArgument: the ending is of no known format, or there is such a file.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in CONTAINERS:
            raise BadArgument(f"{path}: the ending has to be one of {', '.join(CONTAINERS)}")
        if path.exists():
            raise BadArgument(f"there is a file {str(path)!r} already")
        self.path = path
        self.dropped = 0
        #: What stopped it, or None.
        self.error: DiskError | None = None
        self._writer = FileRecording(path, "viewer")
        self._queue: queue.Queue[Frame | None] = queue.Queue(_QUEUE)
        self._thread = threading.Thread(target=self._run, name=f"record {path}", daemon=True)
        self._thread.start()

    @property
    def result(self) -> SegmentResult:
        """How far it has come."""
        return self._writer.result

    def take(self, frame: Frame) -> None:
        """One more frame, from any thread."""
        try:
            self._queue.put_nowait(frame)
        except queue.Full:
            self.dropped += 1

    def close(self) -> SegmentResult:
        """Finish the file.

        Raises:
            DiskError: it could not be written.
        """
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        if self.error is not None:
            raise self.error
        return self.result

    def _run(self) -> None:
        try:
            while (frame := self._queue.get()) is not None:
                self._writer.write([frame])
            self._writer.close(self.dropped)
        except DiskError as error:
            self.error = error
            self._writer.close(self.dropped)
            while self._queue.get() is not None:  # nobody may wait for room
                pass
