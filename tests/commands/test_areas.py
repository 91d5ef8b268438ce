"""The commands about zones, ignored areas and privacy masks, and their way over a restart."""

from __future__ import annotations

from tests.commands.test_recording import RecordingCommandCase
from twistedcam.core.saved_settings import SavedSettings
from twistedcam.errors import BadArgument
from twistedcam.events import PropertiesChanged
from twistedcam.processing.motion.settings import MotionSettings

ZONES = "drive: 0,0.5 1,0.5 1,1; path: 0,0 0.5,0 0.5,0.5"


class AreaCommandTests(RecordingCommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.motion = self.server.channels["door"].motion
        self.addCleanup(self.motion.stop)

    def test_areas_are_set_shown_and_removed(self) -> None:
        found: list[object] = []
        self.server.events.subscribe(found.append)
        self.assertEqual(
            self.successResultOf(self.ask(f"areas zones door {ZONES}")), {"zones": ZONES}
        )
        self.assertEqual([name for name, _ in self.motion.settings.zones], ["drive", "path"])
        self.assertIn(PropertiesChanged("door", {"zones": ZONES}), found)
        self.successResultOf(self.ask("areas ignore door 0,0 1,0 1,0.2"))
        self.successResultOf(self.ask("areas privacy door 0,0 1,0 1,0.1"))
        self.assertEqual(self.door.spec.settings["privacy"], "0,0 1,0 1,0.1")
        shown = {"zones": ZONES, "ignore": "0,0 1,0 1,0.2", "privacy": "0,0 1,0 1,0.1"}
        self.assertEqual(self.successResultOf(self.ask("areas door")), shown)
        for kind in shown:
            self.successResultOf(self.ask(f"areas {kind} door none"))
        self.assertEqual(self.successResultOf(self.ask("areas door")), dict.fromkeys(shown, None))
        self.assertNotIn("privacy", self.door.spec.settings)

    def test_a_wrong_polygon_changes_nothing(self) -> None:
        self.successResultOf(self.ask(f"areas zones door {ZONES}"))
        for line in (
            "zones door a: 0,0 1,1",
            "zones door",
            "ignore door x",
            "privacy door 0,0 2,2",
        ):
            self.failureResultOf(self.ask(f"areas {line}"), BadArgument)
        found = self.successResultOf(self.ask("areas door"))
        self.assertEqual(found, {"zones": ZONES, "ignore": None, "privacy": None})

    def test_what_is_saved_is_used_after_the_next_start(self) -> None:
        source = self.server.channels["door"].configured
        saved = SavedSettings(self.server.recordings)
        now = MotionSettings.from_words([f"zones={ZONES}", "after=3s"])
        configured = MotionSettings.from_words(["after=3s"])
        kept = saved.save("door", source, source, configured, now)
        self.assertEqual(kept, {"motion.zones": ZONES})
        self.assertEqual(saved.apply_motion("door", source, configured), now)
        other = MotionSettings.from_words(["zones=0,0 1,0 1,1"])
        self.assertEqual(saved.apply_motion("door", source, other), other)
        saved.save("door", source, source, None, MotionSettings())
        self.assertEqual(saved.apply_motion("door", source, None), MotionSettings())
        saved.save("door", source, source)
        self.assertIsNone(saved.apply_motion("door", source, None))
