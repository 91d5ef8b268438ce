"""The service that deletes recordings."""

from __future__ import annotations

import shutil
from typing import Any

from twisted.internet.task import Clock

from tests.support.recordings import LibraryCase, make_recording
from twistedcam.events import RecordingChanged
from twistedcam.recording import RetentionLimits, RetentionService
from twistedcam.recording.library import age


class RetentionServiceTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(age, "is_synchronized", lambda: True)
        for number in range(5):
            make_recording(self.folder / f"{number}.mkv", 20, number * 86400.0)
        self.size = (self.folder / "0.mkv").stat().st_size
        self.foreign = self.folder / "0-mine.mkv"
        shutil.copy(self.folder / "0.mkv", self.foreign)
        (self.folder / "holiday.mp4").write_bytes(bytes(10_000_000))

    def test_room_is_made_at_the_start_and_after_every_recording(self) -> None:
        limits = [RetentionLimits(keep=int(self.size * 4.5))]
        clock: Any = Clock()
        service = RetentionService(
            self.library, self.bus, clock, lambda: [(each, None) for each in limits]
        )
        service.start()
        self.assertFalse((self.folder / "0.mkv").exists())
        limits[:] = [RetentionLimits(keep=int(self.size * 3.5))]
        self.bus.publish(RecordingChanged("cam", "finished", "x"))
        self.assertFalse((self.folder / "1.mkv").exists())
        limits[:] = [RetentionLimits(keep=int(self.size * 2.5))]
        clock.advance(10)
        self.assertFalse((self.folder / "2.mkv").exists())
        service.stop()
        self.assertEqual(clock.getDelayedCalls(), [])
