"""The outputs of a camera have different names, and share encoders with equal settings."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.publishing.test_output import Sender
from tests.support.server_case import ServerCase
from twistedcam.errors import BadArgument
from twistedcam.publishing import output
from twistedcam.publishing.target import parse_target
from twistedcam.recording.settings import RecordSettings


class OutputsTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        Sender.made = []
        self.patch(output, "SenderProcess", Sender)
        self.outputs = self.server.channels["door"].outputs
        self.addCleanup(self.server.stop_outputs)

    def add(self, *urls: str) -> None:
        self.outputs.add([parse_target(each) for each in urls])

    def change(self, *urls: str, start: bool = True) -> bool:
        targets = [parse_target(each) for each in urls]
        changing = self.outputs.change(targets, start=start)
        return self.successResultOf(Deferred.fromCoroutine(changing))

    @property
    def shown(self) -> dict[str, str]:
        return {each.target.name: each.target.url for each in self.outputs}

    def test_a_name_that_is_taken_gets_a_number(self) -> None:
        self.add("hls:/a", "hls:/b", "hls:/c#name=hls-2")
        names = {"hls": "/a", "hls-2": "/b", "hls-2-2": "/c"}
        self.assertEqual(self.shown, {k: f"{v}/live.m3u8" for k, v in names.items()})

    def test_one_is_found_by_its_name_and_all_without_one(self) -> None:
        self.add("hls:/a", "rtmp://h/a/k")
        first, second = self.outputs.get(None)
        self.assertEqual(self.outputs.get("rtmp"), [second])
        self.assertEqual(list(self.outputs), [first, second])
        with self.assertRaisesRegex(BadArgument, "door has no target 'x': it has hls, rtmp"):
            self.outputs.get("x")
        with self.assertRaisesRegex(BadArgument, "yard has no target: add one with --publish"):
            self.server.channels["yard"].outputs.get(None)

    def test_equal_settings_share_an_encoder_also_with_a_recording(self) -> None:
        self.add("hls:/a", "hls:/b", "hls:/c#crf=30")
        one, two, other = self.outputs
        self.outputs.start()
        self.assertIsNotNone(one.transcoder)
        self.assertIs(one.transcoder, two.transcoder)
        self.assertIsNot(one.transcoder, other.transcoder)
        self.assertEqual(RecordSettings().encoding, one.target.encoding)
        self.assertEqual(RecordSettings(crf=30).encoding, other.target.encoding)

    def test_a_change_ends_removed_outputs_only(self) -> None:
        self.add("hls:/gone", "hls:/stays")
        gone, stays = self.outputs
        self.outputs.start()
        self.assertTrue(self.change("hls:/stays", "hls:/new"))
        self.assertEqual(gone.state, "stopped")
        self.assertEqual(self.shown, {"hls-2": "/stays/live.m3u8", "hls": "/new/live.m3u8"})
        self.assertIs(self.outputs.get("hls-2")[0], stays)
        self.assertEqual([each.state for each in self.outputs], ["connecting"] * 2)
        self.assertFalse(self.change("hls:/stays", "hls:/new"))
        self.assertTrue(self.change("hls:/stays", "hls:/other", start=False))
        self.assertEqual([each.state for each in self.outputs], ["connecting", "stopped"])

    def test_one_that_is_removed_leaves_no_encoder(self) -> None:
        self.add("hls:/a")
        self.outputs.start()
        (removed,) = self.outputs
        self.successResultOf(self.outputs.close())
        self.assertEqual((removed.state, list(self.outputs)), ("stopped", []))
        self.assertEqual(self.server.channels["door"].camera.stream.h264_transcoders, ())
