"""The commands about sound."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.commands.test_recording import RecordingCommandCase
from twistedcam.events import SoundChanged
from twistedcam.sources.spec import parse


class SoundCommandTests(RecordingCommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.told: list[SoundChanged] = []
        self.server.events.subscribe(
            lambda event: self.told.append(event) if isinstance(event, SoundChanged) else None
        )
        self.channel = self.server.channels["door"]

    def test_sound_is_muted_and_unmuted(self) -> None:
        self.assertFalse(self.status()["muted"])
        self.assertIsNone(self.successResultOf(self.ask("mute door")))
        self.assertTrue(self.status()["muted"])
        self.assertEqual(self.status()["audio_state"], "muted")
        self.assertIsNone(self.successResultOf(self.ask("mute door")))
        self.assertIsNone(self.successResultOf(self.ask("unmute door")))
        self.assertFalse(self.status()["muted"])
        self.assertEqual([each.muted for each in self.told], [True, False])
        self.assertNotIn("muted", self.channel.camera.spec.text)

    def test_a_reload_of_the_configuration_does_not_unmute(self) -> None:
        self.successResultOf(self.ask("mute door"))
        spec = self.channel.configured
        self.channel.configure(spec.with_settings({"title": "Front door"}), reopen=False)
        self.assertTrue(self.status()["muted"])
        self.assertEqual(self.status()["title"], "Front door")
        self.channel.configure(spec.with_settings({"muted": "1"}), reopen=False)
        self.channel.configure(spec, reopen=False)
        self.assertFalse(self.status()["muted"], "the configuration says it")

    def test_being_muted_is_saved(self) -> None:
        self.successResultOf(self.ask("mute door"))
        saved = self.successResultOf(Deferred.fromCoroutine(self.channel.save()))
        self.assertEqual(saved, {"muted": "1"})
        again = self.server._saved.apply("door", self.channel.configured)
        self.assertEqual(again.settings.get("muted"), "1")

    def test_status_tells_about_sound(self) -> None:
        self.channel.camera.use(
            parse(f"{self.channel.camera.spec.text.partition('?')[0]}?audio_offset_ms=80"),
            reopen=False,
        )
        told = self.status()
        self.assertEqual((told["audio"], told["audio_level_db"]), (None, None))
        self.assertEqual(told["audio_offset_ms"], 80.0)
