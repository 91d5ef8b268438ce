"""The newest files of a recorder, as entries of the library that has not read them yet."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from twistedcam.camera import Camera
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.writer.session import Progress

#: Files that are remembered.
_MOST = 8
#: Seconds between two files that are no gap: the end of the first one is not known exactly.
_NEAR = 1.0


class CurrentFiles:
    """The file that is being written, and the ones before it.

    A file gets its name a while after the next one was begun: its last sound comes, and it is
    synced to the disk. Then the library reads it when somebody asks. In that time it is known here.
    """

    def __init__(self, camera: Camera) -> None:
        #: The files before the one that is being written, oldest first.
        self.before: deque[LibraryEntry] = deque(maxlen=_MOST)
        self._camera = camera

    def entry(self, progress: Progress, codec: str | None, dropped: int = 0) -> LibraryEntry:
        """The file that is being written as an entry of the library."""
        return LibraryEntry(
            progress.name,
            self._camera.name,
            progress.started,
            round(progress.file_seconds, 3),
            progress.file_bytes,
            codec,
            self._camera.width,
            self._camera.height,
            complete=False,
            dropped=dropped,
            own=True,
        )

    def leave(self, left: Progress, now: Progress) -> None:
        """Remember a file that gets no more pictures.

        Arguments:
            left: the progress when it got its last ones.
            now: the progress now; it tells when the next file has begun, if there is one.
        """
        entry = self.entry(left, None)
        seconds = now.started - left.started
        if now.started != left.started and abs(seconds - left.file_seconds) < _NEAR:
            entry = replace(entry, seconds=round(seconds, 3))
        self.before.append(entry)
