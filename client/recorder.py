"""Records received frames in the viewer, in the same file formats as the server."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.containers import CONTAINERS
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.recording.writer.single_file import FileRecording

#: Frames that may wait for the disk. Beyond it new frames are dropped and counted.
_QUEUE = 120
#: The same for packets of sound, and seconds for which the first frame waits for sound.
_SOUNDS, _SOUND_WAIT = 500, 1.0


class LocalRecorder:
    """A recording, written by a separate thread.

    Arguments:
        path: the new file. Its extension selects the format.
        failed: called on that thread when the recording has failed; ``error`` has the reason.
        expects_sound: returns True if sound will come, whose track the file has to know first.
        most: the number of frames after which nothing more is recorded; None for no limit.

    Raises:
        BadArgument: the extension is unknown, or the file exists.
    """

    def __init__(
        self,
        path: Path,
        failed: Callable[[], None] = lambda: None,
        expects_sound: Callable[[], bool] = lambda: False,
        most: int | None = None,
    ) -> None:
        if path.suffix.lower() not in CONTAINERS:
            raise BadArgument(f"{path}: the extension must be one of {', '.join(CONTAINERS)}")
        if path.exists():
            raise BadArgument(f"the file {str(path)!r} exists already")
        self.path = path
        self.dropped = 0
        #: The error that stopped it, or None.
        self.error: DiskError | None = None
        self._failed = failed
        self._writer = FileRecording(path, "viewer")
        self._changed = threading.Condition()
        self._frames: deque[Packet] = deque()
        self._sounds = 0
        #: The number of frames that are still to come; None for no limit.
        self._left = most
        self._sound_track: Track | None = None
        self._expects_sound = expects_sound
        #: True until a key frame, before which packets cannot be recorded.
        self._is_broken = True
        self._has_begun = False
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name=f"record {path}", daemon=True)
        self._thread.start()

    @property
    def result(self) -> SegmentResult:
        """The progress of the recording."""
        return self._writer.result

    def take(self, frame: Packet) -> None:
        """Record a frame, or sound. May be called from any thread. Does nothing after the end."""
        with self._changed:
            if self._is_closing:
                return
            if frame.track.kind == "audio":
                self._take_sound(frame)
                return
            if frame.is_keyframe:
                self._is_broken = False
            if self._is_broken or len(self._frames) - self._sounds >= _QUEUE:
                self._is_broken = not isinstance(frame, Frame)  # the next packets refer to it
                self.dropped += self._has_begun
                return
            self._has_begun = True
            self._frames.append(frame)
            if self._left is not None:
                self._left -= 1
                self._is_closing = not self._left  # the last picture would last until ``close``
            self._changed.notify()

    def _take_sound(self, packet: Packet) -> None:
        self._sound_track = packet.track
        if self._has_begun and self._sounds < _SOUNDS:
            self._sounds += 1
            self._frames.append(packet)
        self._changed.notify()

    def close(self) -> SegmentResult:
        """Finish the file, with all waiting frames.

        Raises:
            DiskError: the file could not be written.
        """
        self._end()
        self._thread.join()
        if self.error is not None:
            raise self.error
        return self.result

    def _run(self) -> None:
        first = self._error_of(self._write)
        self._end()  # no more frames are accepted
        second = self._error_of(lambda: self._writer.close(self.dropped))
        self.error = first or second  # later errors only follow from the first
        if self.error is not None:
            self._failed()

    def _write(self) -> None:
        self._await_sound()
        while (frame := self._next()) is not None:
            self._writer.write([frame])

    def _next(self) -> Packet | None:
        """Return the next frame to write, or None after the last one."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_closing)
            frame = self._frames.popleft() if self._frames else None
            if frame is not None and frame.track.kind == "audio":
                self._sounds -= 1
            return frame

    def _await_sound(self) -> None:
        """Wait for the first frame, and for the track of the sound, before the file begins."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_closing)
            if self._expects_sound():
                is_known = lambda: self._sound_track is not None or self._is_closing  # noqa: E731
                self._changed.wait_for(is_known, _SOUND_WAIT)
            if self._sound_track is not None:
                self._writer.expect_sound(self._sound_track)

    def _end(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify()

    def _error_of(self, call: Callable[[], object]) -> DiskError | None:
        """Return the error of a call: a server can send frames that no file can contain."""
        try:
            call()
        except DiskError as error:
            return error
        except Exception as error:
            why = str(error) or type(error).__name__
            return DiskError(f"{self.path.name}: the pictures cannot be recorded: {why}")
        return None
