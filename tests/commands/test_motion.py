"""The commands about motion detection, and a person's recording beside motion's."""

from __future__ import annotations

import time

from tests.commands.test_recording import RecordingCommandCase
from twistedcam.processing.motion.findings import Examined, Moving
from twistedcam.processing.motion.settings import MotionSettings


class MotionCommandTests(RecordingCommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.motion = self.server.channels["door"].motion
        self.addCleanup(self.motion.stop)

    def move(self) -> None:
        """Something moves now."""
        now = time.monotonic()
        self.motion._on_examined(Examined([Moving(now, (0, 0, 0.1, 0.1), 20.0)], None), now)

    def test_motion_is_switched_on_and_off(self) -> None:
        self.assertEqual((self.status()["motion"], self.status()["motion_score"]), ("off", 0.0))
        self.assertIsNone(self.successResultOf(self.ask("motion on door")))
        self.assertEqual(self.status()["motion"], "quiet")
        self.move()
        self.assertEqual((self.status()["motion"], self.status()["motion_score"]), ("moving", 20.0))
        self.assertIsNone(self.successResultOf(self.ask("motion on door")))
        self.assertEqual(self.status()["motion"], "moving")
        self.assertIsNone(self.successResultOf(self.ask("motion off door")))
        self.assertEqual(self.status()["motion"], "off")

    def test_on_outside_of_the_schedule_has_a_note(self) -> None:
        other = "sa" if time.localtime().tm_wday < 4 else "tu"
        self.motion.configure(MotionSettings.from_words([f"when={other}", "enabled=off"]))
        answer = self.successResultOf(self.ask("motion on door"))
        self.assertEqual(answer, {"note": f"motion is detected at the times {other}"})

    def test_a_person_s_stop_leaves_motion_its_recording(self) -> None:
        self.motion.switch(True)
        self.show()
        self.move()
        name = self.recorder.name
        asked = self.ask("record start door")
        self.show()
        self.assertEqual(self.successResultOf(asked), {"recording": name})
        self.assertEqual(self.recorder.reasons, {"motion", "command"})
        answer = self.successResultOf(self.ask("record stop door"))
        self.assertEqual(answer["recording"], name)
        self.assertIn("motion", answer["note"])
        self.assertEqual(self.recorder.reasons, {"motion"})
        self.show()
        self.assertEqual(self.successResultOf(self.ask("record stop door"))["recording"], name)
        self.assertEqual(self.recorder.state, "idle")

    def test_a_person_s_name_begins_a_recording_of_both(self) -> None:
        self.motion.switch(True)
        self.show()
        self.move()
        self.show()
        before = self.recorder.name
        asked = self.ask("record start door mine.mp4")
        self.show()
        self.assertEqual(self.successResultOf(asked), {"recording": "mine.mp4"})
        self.assertEqual(self.recorder.reasons, {"motion", "command"})
        self.assertTrue((self.folder / str(before)).exists())
        self.successResultOf(self.recorder.stop())
