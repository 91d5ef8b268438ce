"""Some of a camera's pictures are examined, in a thread, and never two at once."""

from __future__ import annotations

from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import CameraRig, FakeScheme, ManualThread
from tests.support.films import START_US, jpeg
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.processing.motion import examiner
from twistedcam.processing.motion.examiner import Examiner
from twistedcam.processing.motion.findings import Examined
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.processing.motion.watch import MotionWatch
from twistedcam.util.polygons import Polygon


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        rig = CameraRig()
        self.camera = rig.camera
        self.thread = ManualThread()
        self.examined: list[tuple[Examined, float]] = []
        self.lost = 0
        self.number = 0
        self.watch = MotionWatch(
            self.camera,
            MotionSettings(),
            lambda: self.thread,
            lambda found, at: self.examined.append((found, at)),
            self.on_lost,
            lambda: self.number / 30,
        )

    def on_lost(self) -> None:
        self.lost += 1

    def show(self, count: int = 1, picture: bytes | None = None, fps: int = 30) -> None:
        for _ in range(count):
            self.number += 1
            time = START_US + self.number * 1_000_000 // fps
            data = jpeg(self.number) if picture is None else picture
            self.camera.hub.publish(Frame(self.number, time, 160, 120, data))

    def work(self) -> None:
        while self.thread.waiting:
            self.thread.step()

    def test_ten_of_thirty_pictures_are_examined(self) -> None:
        for _ in range(60):
            self.show()
            self.work()
        self.assertEqual(self.watch.count, 20)
        times = [at for _, at in self.examined]
        self.assertTrue(all(0.09 < b - a < 0.11 for a, b in pairwise(times)))

    def test_it_knows_what_is_drawn_into_the_pictures(self) -> None:
        mask = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5))
        self.camera.encoder = JpegEncoder(privacy=[mask], timestamp=True)
        made: list[tuple[Polygon, ...]] = []

        def make(settings: MotionSettings, generation: int, drawn: tuple[Polygon, ...]) -> Examiner:
            made.append(drawn)
            return Examiner(settings, generation, drawn)

        self.patch(examiner, "Examiner", make)
        MotionWatch._examine(self.watch, [Frame(1, START_US, 160, 120, jpeg(1))], 0.0, 0)
        [(first, time)] = made
        self.assertEqual(first, mask)
        self.assertEqual(max(y for _, y in time), 1.0)

    def test_five_of_thirty_pictures_are_examined_while_nothing_moves(self) -> None:
        calm = True
        self.patch(self.watch, "_examine", lambda *_: Examined([], is_calm=calm))
        for _ in range(90):
            self.show()
            self.work()
        self.assertEqual(self.watch.count, 15)
        calm = False
        for _ in range(30):
            self.show()
            self.work()
        times = [at for _, at in self.examined[16:]]
        self.assertTrue(all(0.09 < b - a < 0.11 for a, b in pairwise(times)), times)

    def test_every_picture_of_a_slow_camera_is_examined(self) -> None:
        for _ in range(10):
            self.show(fps=5)
            self.work()
        self.assertEqual(self.watch.count, 10)

    def test_pictures_that_come_meanwhile_are_left_out(self) -> None:
        self.show(30)
        self.assertEqual(len(self.thread.waiting), 1)
        self.work()
        self.show(4)
        self.assertEqual(len(self.thread.waiting), 1)

    def test_a_picture_that_cannot_be_decoded_is_left_out(self) -> None:
        self.show(picture=b"nothing")
        self.work()
        self.show(4)
        self.work()
        self.assertEqual(self.watch.count, 1)

    def test_the_background_is_learnt_anew_when_the_camera_is_back(self) -> None:
        self.show()
        self.work()
        before = self.watch._examiner
        self.show(4)
        self.camera.stream.clear()
        self.assertEqual(self.lost, 1)
        self.work()  # a result of before the loss
        self.assertEqual(len(self.examined), 1)
        self.show(30)
        self.work()
        self.assertIsNot(self.watch._examiner, before)

    def test_nothing_is_told_after_the_end(self) -> None:
        self.show()
        self.watch.end()
        self.watch.end()
        self.work()
        self.show(10)
        self.assertEqual((self.examined, len(self.camera.hub)), ([], 0))
        self.assertTrue(self.thread.ended)

    def test_a_clock_that_is_set_back_stops_nothing(self) -> None:
        self.show(3)
        self.work()
        self.number -= 300
        for _ in range(30):
            self.show()
            self.work()
        self.assertGreaterEqual(self.watch.count, 10)


class CodedTests(WatchTests):
    """A camera that sends H.264: all packets since the last call are decoded."""

    def setUp(self) -> None:
        super().setUp()
        self.batches: list[list[int]] = []
        self.patch(self.watch, "_examine", self.examine)
        self.track = Track(0, "video", "h264", 160, 120)

    def examine(self, packets: list[Packet], at: float, generation: int) -> Examined:
        if packets[-1].data == b"nothing":
            raise ValueError("it cannot be decoded")
        self.batches.append([each.seq for each in packets])
        self.watch._examiner = object()  # type: ignore[assignment]
        return Examined([])

    def show(self, count: int = 1, picture: bytes | None = None, fps: int = 30) -> None:
        for _ in range(count):
            self.number += 1
            time = START_US + self.number * 1_000_000 // fps
            is_keyframe = self.number % 30 == 1
            data = b"\0\0\0\1\x65" if picture is None else picture
            packet = Packet(self.track, self.number, time, time, data, is_keyframe)
            self.camera.stream.publish(packet)

    def test_no_packet_is_left_out(self) -> None:
        for _ in range(60):
            self.show()
            self.work()
        self.assertEqual([at for batch in self.batches for at in batch], list(range(1, 59)))

    def test_pictures_that_come_meanwhile_are_left_out(self) -> None:
        self.show(400)
        self.work()
        self.show()
        self.work()
        self.assertEqual(self.batches[0], [1])
        self.assertEqual(self.batches[1][0] % 30, 1)
        self.assertEqual(self.batches[1][-1], 401)

    def test_a_picture_that_cannot_be_decoded_is_left_out(self) -> None:
        self.show(4)
        self.work()
        self.show(4, picture=b"nothing")
        self.work()
        self.show(30)
        self.work()
        self.assertEqual(self.batches[-1], [31])
