"""A camera with its properties, recorder, outputs and user code."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.camera.ptz.test_controller import FakeMotors
from tests.support.films import frame
from tests.support.onvif_camera import MAIN, OnvifTestCamera
from tests.support.server_case import ServerCase
from twistedcam.camera.ptz.motors import Velocity
from twistedcam.camera.substream import Substream
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.errors import BadArgument
from twistedcam.events import Event, PropertiesChanged
from twistedcam.sources.spec import SourceSpec, parse
from twistedcam.stream.hub import Sink
from twistedcam.stream.wants import Wants


class Viewer(Sink[Any]):
    """Counts how often it is removed."""

    removed = 0

    def take(self, packet: Any, /) -> None:
        """Ignore packets."""

    def on_removed(self) -> None:
        """Count it."""
        self.removed += 1


class ChannelTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.channel = self.server.channels["door"]

    def test_another_configuration_is_taken_over_and_published(self) -> None:
        events: list[Event] = []
        self.server.events.subscribe(events.append)
        spec = SourceSpec("fake", "", {"quality": "40"}, "fake:door")
        self.channel.configure(spec)
        self.assertEqual((self.channel.configured, self.door.spec), (spec, spec))
        [changed] = [each for each in events if isinstance(each, PropertiesChanged)]
        self.assertEqual((changed.camera, changed.properties["quality"]), ("door", 40))

    def test_a_wrong_configuration_changes_nothing(self) -> None:
        before = self.channel.configured
        spec = SourceSpec("fake", "", {"quality": "400"}, "fake:door")
        with self.assertRaises(BadArgument):
            self.channel.configure(spec)
        self.assertEqual((self.channel.configured, self.door.spec), (before, before))

    def test_what_is_hidden_from_now_on_is_not_in_the_pre_roll(self) -> None:
        polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.2))
        masked = SourceSpec("fake", "", {"privacy": "0,0 1,0 1,0.3"}, "fake:door")
        self.channel.recorder.keep_before(5)
        preroll = self.channel.recorder.preroll
        assert preroll is not None
        for change in (
            lambda: self.channel.hide((polygon,)),
            lambda: self.channel.configure(masked),
        ):
            preroll.add(frame(0, 1))
            self.channel.mute(True)
            self.assertEqual(len(preroll), 1, "it is kept as long as nothing is hidden")
            change()
            self.assertEqual(len(preroll), 0)

    def test_a_smaller_stream_shows_what_the_camera_shows_while_it_runs(self) -> None:
        mask = {"privacy": "0,0 1,0 1,0.3"}
        self.channel.configure(SourceSpec("fake", "", {"rotate": "180"}, "fake:door"))
        self.channel.use_video(VideoSettings(substream=SourceSpec("fake", "small", {}, "")))
        small = self.substream()
        asked = {"rotate": "180", "idle": "close", "audio": "off"}
        self.assertEqual((small.own.spec.target, small.own.spec.settings), ("small", asked))
        self.assertEqual(small.state, "stopped")
        self.door.start()
        self.assertEqual(small.state, "idle", "nobody watches it")
        place = small.own.stream.subscribe(Viewer(), Wants(("mjpeg",)))
        self.assertEqual(small.state, "live")
        polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.3))
        self.channel.hide((polygon,))
        self.assertEqual(small.own.spec.settings, {**asked, **mask})
        self.assertEqual(small.own.encoder.privacy, (polygon,))
        place.close()
        self.door.stop()
        self.assertEqual(small.state, "stopped")
        self.door.start()
        self.assertEqual(small.state, "idle")

    def test_another_smaller_stream_disconnects_the_viewers_of_the_first(self) -> None:
        self.channel.use_video(VideoSettings(substream=SourceSpec("fake", "a", {}, "")))
        sink, first = Viewer(), self.substream()
        first.own.stream.subscribe(sink, Wants(("mjpeg",)))
        self.channel.use_video(VideoSettings("2M", substream=self.channel.video.substream))
        self.assertEqual((self.substream(), sink.removed), (first, 0))
        self.channel.use_video(VideoSettings(substream=SourceSpec("fake", "b", {}, "")))
        self.assertEqual((self.substream().own.spec.target, sink.removed), ("b", 1))
        self.successResultOf(self.channel.finish_recording())
        self.assertIsNone(self.channel.substream)

    def test_a_smaller_stream_is_looked_for_unless_it_is_switched_off(self) -> None:
        self.door.start()
        with OnvifTestCamera(login="", has_ptz=False) as camera:
            self.channel.use_video(VideoSettings(substream="off"))
            self.door.spec = parse(f"onvif://127.0.0.1:{camera.port}")
            self.door.width, self.door.height = MAIN.size
            self.assertIsNone(self.channel.substream)
            self.channel.use_video(VideoSettings())
            small = self.substream().own.spec
            self.assertEqual(small.target, f"//127.0.0.1:{camera.port}/sub")
            self.assertEqual(small.settings, {"idle": "close", "audio": "off"})
            for other, target in ((SourceSpec("fake", "a", {}, ""), "a"), ("auto", small.target)):
                self.channel.use_video(VideoSettings(substream=other))
                self.assertEqual(self.substream().own.spec.target, target)
            for end in (
                lambda: self.channel.use_video(VideoSettings(substream="off")),
                lambda: self.successResultOf(self.channel.finish_recording()),
            ):
                self.channel.use_video(VideoSettings())
                asked = camera.asked.count("GetProfiles")
                end()
                self.assertIsNone(self.channel.substream)
                for state in ("recovering", "live"):
                    self.door.set_state(state, None)
                    self.server.events.publish(self.door.changed())
                self.assertEqual(camera.asked.count("GetProfiles"), asked)

    def substream(self) -> Substream:
        assert self.channel.substream is not None
        return self.channel.substream

    def test_a_camera_that_moves_is_stopped_with_its_recording(self) -> None:
        motors = FakeMotors()
        self.channel.ptz._make = lambda key: motors  # type: ignore[method-assign,assignment]
        self.successResultOf(Deferred.fromCoroutine(self.channel.ptz.move(Velocity(1))))
        self.successResultOf(self.channel.finish_recording())
        self.assertEqual(motors.calls[1:], [("stop",)])
