"""The one frame that waits for user code: the newest."""

from __future__ import annotations

import threading

from twistedcam.media.frame import Frame


class FrameSlot:
    """Holds the newest frame until it is taken. For any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._is_closed = False
        #: Frames that were replaced by a newer one before they were taken.
        self.skipped = 0

    def put(self, frame: Frame) -> None:
        """Here is a newer frame. Never waits."""
        with self._changed:
            self.skipped += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def take(self) -> Frame | None:
        """Wait for a frame and take it; None once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._is_closed)
            frame, self._frame = self._frame, None
            return None if self._is_closed else frame

    def clear(self) -> None:
        """What waits is of no use any more."""
        with self._changed:
            self._frame = None

    def close(self) -> None:
        """No more frames; whoever waits for one is told."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
