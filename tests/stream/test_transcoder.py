"""A transcoder exists while somebody listens, and its thread with it."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import ManualThread
from tests.support.films import frame
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import FrameHub
from twistedcam.stream.transcoder import Transcoder


class Doubler(Transcoder[Frame]):
    """Doubles the numbers of frames."""

    def __init__(self, source: FrameHub, make_thread: Any) -> None:
        super().__init__(source, make_thread)
        self.waiting: list[Frame] = []
        self.made: list[int] = []
        self.failures = 0

    def take(self, packet: Frame, /) -> None:
        self.waiting.append(packet)
        self._pump()

    def _end(self) -> None:
        self.waiting.clear()

    def _pump(self) -> None:
        if self.waiting and not self._is_busy:
            seq = self.waiting.pop(0).seq
            self._work(lambda: 2 * seq if seq else 1 // 0, self.made.append)

    def _failed(self, why: Any) -> None:
        self.failures += 1


class TranscoderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.source = FrameHub()
        self.threads: list[ManualThread] = []
        self.doubler = Doubler(self.source, self.start_thread)

    def start_thread(self) -> ManualThread:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def test_it_takes_packets_while_it_is_wanted(self) -> None:
        self.source.publish(frame(0, 1))
        self.doubler.demand(True)
        self.assertTrue(self.doubler.is_active)
        for number in (2, 3):
            self.source.publish(frame(number, number))
        for _ in range(2):
            self.threads[0].step()
        self.assertEqual(self.doubler.made, [4, 6])
        self.doubler.demand(False)
        self.source.publish(frame(4, 4))
        self.assertEqual((self.doubler.waiting, self.threads[0].ended), ([], True))

    def test_its_thread_ends_when_the_last_call_has(self) -> None:
        self.doubler.demand(True)
        self.source.publish(frame(1, 1))
        self.doubler.demand(False)
        self.assertFalse(self.threads[0].ended)
        self.threads[0].step()
        self.assertTrue(self.threads[0].ended)

    def test_who_comes_back_in_time_keeps_the_thread(self) -> None:
        self.doubler.demand(True)
        self.source.publish(frame(1, 1))
        self.doubler.demand(False)
        self.doubler.demand(True)
        self.source.publish(frame(2, 2))
        for _ in range(2):
            self.threads[0].step()
        self.assertEqual((self.doubler.made, len(self.threads)), ([2, 4], 1))

    def test_a_call_that_fails_does_not_end_it(self) -> None:
        self.doubler.demand(True)
        for number in (0, 5):
            self.source.publish(frame(number, number))
        for _ in range(2):
            self.threads[0].step()
        self.assertEqual((self.doubler.failures, self.doubler.made), (1, [10]))
