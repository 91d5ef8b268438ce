"""A recording that begins with the server begins again when the disk takes it again."""

from __future__ import annotations

import errno
import os

from tests.recording.test_recorder import RecorderCase
from tests.scenarios import test_recording_disk_errors as disk_errors
from tests.support.films import read_film
from twistedcam.errors import DiskError
from twistedcam.events import Fault
from twistedcam.recording.continuous import LASTED, LONGEST, PERIOD, ContinuousRecording
from twistedcam.recording.writer import part_file as partfile
from twistedcam.recording.writer import plan as planning


class AtStartTests(RecorderCase):
    """A recorder whose settings say ``at_start``."""

    disk = disk_errors.FaultTests.disk

    def setUp(self) -> None:
        super().setUp()
        partfile.open = open  # type: ignore[attr-defined]
        self.addCleanup(lambda: delattr(partfile, "open"))
        self.camera.state = "live"
        self.recorder = self.make({"at_start": "on", "format": "copy"})

    def fill(self) -> None:
        """No recording can be begun."""

        def full(folder: object) -> None:
            raise DiskError(os.strerror(errno.ENOSPC))

        self.patch(planning, "check_folder", full)

    def free(self) -> None:
        self.patch(planning, "check_folder", lambda folder: None)
        partfile.open = open  # type: ignore[attr-defined]

    def faults(self) -> int:
        return len([each for each in self.events if isinstance(each, Fault)])

    def test_after_a_full_disk_it_is_recorded_again_and_that_is_told(self) -> None:
        self.recorder.start_with_server()
        self.disk(60_000, errno.ENOSPC)
        self.show(60, 30)
        self.fill()
        self.assertEqual([what for what, _ in self.told()][:2], ["started", "failed"])
        for _ in range(5):
            self.clock.advance(PERIOD)
        self.assertEqual(self.recorder.state, "idle")
        self.assertIsNotNone(self.recorder.failure)
        self.free()
        self.clock.advance(PERIOD)
        self.assertEqual((self.recorder.state, self.recorder.failure), ("recording", None))
        self.assertEqual(self.told()[-1][0], "started")
        self.show(1)
        self.successResultOf(self.recorder.stop())
        self.assertEqual(len(read_film(self.folder / self.told()[-1][1]).times), 10)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_disk_that_is_full_at_the_start_is_said_once_and_waited_for(self) -> None:
        self.fill()
        self.recorder.start_with_server()
        self.assertIn("No space left", str(self.recorder.failure))
        for _ in range(5):
            self.clock.advance(PERIOD)
        self.assertEqual((self.faults(), self.recorder.state), (1, "idle"))
        self.free()
        self.clock.advance(PERIOD)
        self.assertEqual(self.recorder.state, "recording")
        self.recorder.stop()

    def test_who_stops_it_or_the_camera_has_it_stopped(self) -> None:
        self.fill()
        self.recorder.start_with_server()
        self.recorder.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.recorder.start_with_server()
        self.free()
        self.camera.state = "stopped"
        self.clock.advance(PERIOD)
        self.assertEqual(self.recorder.state, "idle")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_recording_that_somebody_asked_for_is_not_begun_again(self) -> None:
        self.disk(60_000, errno.ENOSPC)
        self.recorder.start()
        self.show(60, 30)
        self.assertIsNotNone(self.recorder.failure)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_somebody_has_begun_meanwhile_goes_on(self) -> None:
        self.fill()
        self.recorder.start_with_server()
        self.free()
        name = self.recorder.start("mine.mkv")
        self.clock.advance(PERIOD)
        self.assertEqual(self.recorder.name, name)
        self.recorder.stop()

    def test_a_disk_that_breaks_each_one_is_tried_less_and_less(self) -> None:
        continuous = ContinuousRecording(self.clock, lambda: None)  # type: ignore[arg-type]
        waits = []
        continuous.hold()
        for lasted in (0, 0, 0, 0, 0, 0, 0, LASTED, 0):
            self.clock.advance(lasted)
            continuous.on_failed()
            [call] = self.clock.getDelayedCalls()
            waits.append(call.getTime() - self.clock.seconds())
            self.clock.advance(waits[-1])
        self.assertEqual(waits, [10, 20, 40, 80, 160, LONGEST, LONGEST, 10, 20])
        continuous.release()
