"""What a stream's properties say of themselves is what they take."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.support.server_case import ServerCase
from twistedcam.camera.properties.stream import StreamProperties
from twistedcam.codecs.jpeg_encoder import EncodedPicture
from twistedcam.errors import BadArgument
from twistedcam.sources.spec import parse

#: One of each kind that has a rate to set.
SOURCES = ("pattern:", "auto:", "webcam:0", "file:{0}/a.mkv", "folder:{0}", "http://cam/still.jpg")


class RangeTests(ServerCase):
    def test_a_rate_is_taken_from_the_lowest_to_the_highest_that_is_told(self) -> None:
        (self.folder / "a.mkv").touch()
        for number, source in enumerate(SOURCES):
            spec = parse(source.format(self.folder))
            camera = self.server.add_camera(f"c{number}", spec)
            properties = StreamProperties(camera, camera.use)
            fps = self.successResultOf(Deferred.fromCoroutine(properties.get()))["fps"]
            assert fps.low is not None and fps.high is not None
            for fits in (fps.low, fps.high):
                self.successResultOf(Deferred.fromCoroutine(properties.check({"fps": f"{fits}"})))
            for wrong in (fps.low / 2, fps.high * 2):
                refused = Deferred.fromCoroutine(properties.check({"fps": f"{wrong}"}))
                told = str(self.failureResultOf(refused, BadArgument).value)
                self.assertIn(f"from {fps.low:g} to {fps.high:g}", told)


class QualityTests(ServerCase):
    def test_setting_a_quality_says_so_while_no_jpeg_is_made_here(self) -> None:
        camera = self.server.add_camera("usb", parse("pattern:"))

        def note(jpeg: bytes | None, encoded: bool, turned: bool = False) -> str:
            camera.counts.add(
                EncodedPicture(1, 2, 2, jpeg or (lambda: b"made late"), encoded, turned=turned)
            )
            setting = Deferred.fromCoroutine(
                self.server.channels["usb"].properties.set("quality", "40")
            )
            return str(self.successResultOf(setting).as_dict().get("note", ""))

        passed_on = "the camera's own JPEGs are passed on"
        self.assertIn(passed_on, note(b"own", encoded=False))
        self.assertIn(passed_on, note(b"turned", encoded=False, turned=True))
        self.assertEqual(note(b"made", encoded=True), "")
        self.assertEqual(note(None, encoded=False), "")
