"""One encode for many: who leaves, who may miss nothing, and an encoder that does not work."""

from __future__ import annotations

from typing import Any

from tests.fakes import ManualThread
from tests.recording.films import START_US, jpeg
from tests.recording.test_recorder import RecorderCase
from twistedcam.errors import NotSupported
from twistedcam.events import Fault
from twistedcam.frame import Frame
from twistedcam.recording import backlog, shared
from twistedcam.recording.coder import CoderSettings
from twistedcam.recording.moment import Coded
from twistedcam.recording.shared import SharedEncoder


class Taker:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.keyframes = 0

    def take_coded(self, frame: Frame, coded: Coded) -> None:
        self.times.append(frame.time_us)
        self.keyframes += coded.is_keyframe


class SharedEncoderTests(RecorderCase):
    """An encoder whose thread works when the test lets it."""

    def setUp(self) -> None:
        super().setUp()
        self.threads: list[ManualThread] = []
        self.encoder = SharedEncoder(
            self.camera, CoderSettings(), self.start_thread, self.bus, self.clock.seconds
        )

    def start_thread(self) -> Any:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def work(self) -> None:
        """The thread does all that there is to do."""
        while self.threads[-1].waiting:
            self.threads[-1].step()

    def faults(self) -> list[str]:
        return [each.reason for each in self.events if isinstance(each, Fault)]

    def test_who_may_miss_nothing_has_all_of_it_before_it_is_let_go(self) -> None:
        taker, other = Taker(), Taker()
        self.encoder.add(taker, lossless=True)
        self.show(1)
        left = self.encoder.remove(taker)
        self.encoder.add(other)
        self.show(1)
        self.assertNoResult(left)
        self.work()
        self.successResultOf(left)
        self.assertEqual(len(taker.times), 10)  # what was captured before it left
        self.assertEqual(len(self.encoder), 1)
        self.successResultOf(self.encoder.remove(other))
        self.successResultOf(self.encoder.remove(other))
        self.work()
        self.assertTrue(self.threads[-1].ended)
        self.assertEqual(len(self.camera.hub), 0)

    def test_who_takes_the_newest_has_what_there_was_time_for(self) -> None:
        taker = Taker()
        self.encoder.add(taker)
        self.show(1)
        self.work()
        self.assertEqual(len(taker.times), 2)  # the first, and the newest when it was ready
        self.assertEqual(self.encoder.dropped, 8)
        self.successResultOf(self.encoder.remove(taker))

    def test_a_hopeless_encoder_leaves_pictures_out_and_keeps_none_of_them(self) -> None:
        self.patch(backlog, "FRAMES", 8)
        taker = Taker()
        self.encoder.add(taker, lossless=True)
        self.show(3)
        left = self.encoder.remove(taker)
        self.work()
        self.successResultOf(left)
        self.assertGreater(self.encoder.dropped, 10)
        self.assertEqual(len(taker.times), 30 - self.encoder.dropped)

    def test_an_encoder_that_fails_is_said_once_and_tried_with_each_picture(self) -> None:
        working = shared.Coder
        self.patch(shared, "Coder", _Broken)
        taker = Taker()
        self.encoder.add(taker)
        for _ in range(3):
            self.show(0.1)
            self.work()
        self.assertEqual(self.faults(), ["H.264 cannot be made: there is none"])
        self.patch(shared, "Coder", working)
        self.show(0.1)
        self.work()
        self.assertEqual((len(taker.times), taker.keyframes), (1, 1))
        self.assertEqual(self.encoder.name, "libx264")
        self.patch(shared, "Coder", _Broken)
        self.camera.hub.publish(Frame(9, START_US + 10**7, 320, 240, jpeg(0)))  # needs another
        self.work()
        self.assertEqual(len(self.faults()), 2)  # it had worked meanwhile
        self.successResultOf(self.encoder.remove(taker))

    def test_a_taker_that_fails_does_not_end_it(self) -> None:
        good, bad = Taker(), Taker()
        bad.take_coded = _fail  # type: ignore[method-assign]
        self.encoder.add(good)
        self.encoder.add(bad)
        for _ in range(2):
            self.show(0.1)
            self.work()
        self.assertEqual(len(good.times), 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.successResultOf(self.encoder.remove(bad))
        self.successResultOf(self.encoder.remove(good))

    def test_pictures_of_one_moment_are_one_after_the_other(self) -> None:
        taker = Taker()
        self.encoder.add(taker, lossless=True)
        for number in range(3):
            self.camera.hub.publish(Frame(number + 1, 10**9 + number, 160, 120, jpeg(number)))
        left = self.encoder.remove(taker)
        self.work()
        self.successResultOf(left)
        self.assertEqual(len(taker.times), 3)


class _Broken:
    def __init__(self, *_: Any) -> None:
        raise NotSupported("there is none")


def _fail(*_: Any) -> None:
    raise ZeroDivisionError
