"""Records here, in the viewer, what comes: in the same files as the server does."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError
from twistedcam.media.frame import Frame
from twistedcam.recording.containers import CONTAINERS
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.recording.writer.single_file import FileRecording

#: Frames that may wait for the disk; beyond it new ones are left out and counted.
_QUEUE = 120


class LocalRecorder:
    """One recording, written by a thread of its own.

    Arguments:
        path: the file; its ending says the format, and it must not exist.
        failed: called on that thread when the recording has ended by itself; ``error`` says why.

    Raises:
        BadArgument: the ending is of no known format, or there is such a file.
    """

    def __init__(self, path: Path, failed: Callable[[], None] = lambda: None) -> None:
        if path.suffix.lower() not in CONTAINERS:
            raise BadArgument(f"{path}: the ending has to be one of {', '.join(CONTAINERS)}")
        if path.exists():
            raise BadArgument(f"there is a file {str(path)!r} already")
        self.path = path
        self.dropped = 0
        #: What stopped it, or None.
        self.error: DiskError | None = None
        self._failed = failed
        self._writer = FileRecording(path, "viewer")
        self._changed = threading.Condition()
        self._frames: deque[Frame] = deque()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name=f"record {path}", daemon=True)
        self._thread.start()

    @property
    def result(self) -> SegmentResult:
        """How far it has come."""
        return self._writer.result

    def take(self, frame: Frame) -> None:
        """One more frame, from any thread; nothing happens once the recording has ended."""
        with self._changed:
            if self._is_closing:
                return
            if len(self._frames) >= _QUEUE:
                self.dropped += 1
                return
            self._frames.append(frame)
            self._changed.notify()

    def close(self) -> SegmentResult:
        """Finish the file, with the frames that wait for the disk.

        Raises:
            DiskError: it could not be written.
        """
        self._end()
        self._thread.join()
        if self.error is not None:
            raise self.error
        return self.result

    def _run(self) -> None:
        first = self._error_of(self._write)
        self._end()  # no more frames are taken, whoever ended it
        second = self._error_of(lambda: self._writer.close(self.dropped))
        self.error = first or second  # what comes of the first says less
        if self.error is not None:
            self._failed()

    def _write(self) -> None:
        while (frame := self._next()) is not None:
            self._writer.write([frame])

    def _next(self) -> Frame | None:
        """The next frame to write; None when the last has been."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_closing)
            return self._frames.popleft() if self._frames else None

    def _end(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify()

    def _error_of(self, call: Callable[[], object]) -> DiskError | None:
        """What went wrong in a call; a server may send what no file can have, such as no size."""
        try:
            call()
        except DiskError as error:
            return error
        except Exception as error:
            why = str(error) or type(error).__name__
            return DiskError(f"{self.path.name}: the pictures cannot be recorded: {why}")
        return None
