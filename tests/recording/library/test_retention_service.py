"""The service that deletes recordings."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from tests.support.recordings import LibraryCase
from twistedcam.events import RecordingChanged
from twistedcam.recording import RetentionLimits, RetentionService


class RetentionServiceTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_five()

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
