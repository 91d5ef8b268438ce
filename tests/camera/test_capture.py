"""A capture on a fake source, a thread that the test steps, and a fake clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import FakeSource, ManualThread
from twistedcam.camera.capture import Capture
from twistedcam.camera.capture_base import (
    CLOSE_TIMEOUT,
    OPEN_TIMEOUT,
    STALL_PERIODS,
    STALL_SECONDS,
)
from twistedcam.codecs.jpeg_encoder import EncodedPicture, JpegEncoder
from twistedcam.errors import CameraFailed
from twistedcam.media.track import VIDEO, Track
from twistedcam.sources.base import Paused, RawPacket, RawPicture, SourceInfo

PACKET = RawPacket(Track(VIDEO, "video", "h264"), 1.0, b"data")


class InterruptibleSource(FakeSource):
    def interrupt(self) -> None:
        self.calls.append("interrupt")


class PassingSource(FakeSource):
    pass_on: Callable[[RawPacket], None] | None = None

    def pass_packets(self, pass_on: Callable[[RawPacket], None] | None) -> None:
        self.pass_on = pass_on


class CaptureTests(SynchronousTestCase):
    """``heard`` has what the listener was called with."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.thread = ManualThread()
        self.source: FakeSource = FakeSource()
        self.heard: list[tuple[Any, ...]] = []

    def begin(self, source: FakeSource | None = None, patience: float = 0.0) -> Capture:
        self.source = source or self.source
        self.capture = Capture(
            self.source, JpegEncoder(), self.thread, self.clock, self, patience=patience
        )
        self.capture.begin()
        return self.capture

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            self.thread.step()
            self.clock.advance(0)

    def on_opened(self, granted: SourceInfo) -> None:
        self.heard.append(("opened", granted.detail))

    def on_picture(self, picture: EncodedPicture) -> None:
        self.heard.append(("picture", picture.width))

    def on_packet(self, raw: RawPacket) -> None:
        self.heard.append(("packet", raw.data))

    def on_corrupt(self, reason: str) -> None:
        self.heard.append(("corrupt", reason))

    def on_paused(self, reason: str, stalled: bool = False) -> None:
        self.heard.append(("paused", reason, stalled))

    def on_failed(self, error: CameraFailed) -> None:
        self.heard.append(("failed", str(error)))

    @property
    def kinds(self) -> list[str]:
        return [each[0] for each in self.heard]

    def test_pictures_are_read_one_after_the_other(self) -> None:
        self.begin()
        self.step(3)
        self.assertEqual(self.heard, [("opened", "a fake"), ("picture", 1), ("picture", 1)])
        self.assertEqual(len(self.thread.waiting), 1)  # one call at a time

    def test_what_is_no_picture_does_not_end_the_capture(self) -> None:
        self.source.script = [
            None,
            RawPicture(1.0, fault="cut off"),
            ValueError("from the source"),
            RawPicture(1.0, jpeg=b"no JPEG"),
            Paused("the publisher pauses"),
        ]
        self.begin()
        self.step(7)
        self.assertEqual(
            self.kinds, ["opened", "corrupt", "corrupt", "corrupt", "paused", "picture"]
        )
        self.assertEqual(self.heard[1:3], [("corrupt", "cut off"), ("corrupt", "from the source")])
        self.assertEqual(self.heard[4], ("paused", "the publisher pauses", False))

    def test_an_unexpected_error_of_the_encoder_is_a_corrupt_picture(self) -> None:
        self.source.script = [RawPicture(1.0, image="nothing")] * 2  # type: ignore[arg-type]
        self.begin()
        self.step(3)
        self.assertEqual(self.kinds, ["opened", "corrupt", "corrupt"])
        self.assertEqual(len(self.flushLoggedErrors()), 1)  # the first only

    def test_an_error_at_the_opening_is_a_failure(self) -> None:
        self.source.opening = CameraFailed("it is in use")
        self.begin()
        self.step()
        self.assertEqual(self.heard, [("failed", "it is in use")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_error_at_reading_ends_it(self) -> None:
        self.source.script = [CameraFailed("it was unplugged")]
        self.begin()
        self.step(2)
        self.assertEqual(self.heard[1:], [("failed", "it was unplugged")])
        self.assertEqual(self.thread.waiting, [])

    def test_an_unexpected_error_of_the_source_is_a_failure_that_is_logged(self) -> None:
        self.source.script = [ZeroDivisionError("oops")]
        self.begin()
        self.step(2)
        self.assertEqual(self.kinds, ["opened", "failed"])
        self.assertIn("oops", self.heard[1][1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_opening_that_takes_too_long_is_a_failure(self) -> None:
        self.begin()
        self.clock.advance(OPEN_TIMEOUT - 0.1)
        self.assertEqual(self.heard, [])
        self.clock.advance(0.1)
        self.assertEqual(self.kinds, ["failed"])

    def test_a_steady_source_without_a_picture_has_stalled(self) -> None:
        for fps, seconds in ((10.0, STALL_SECONDS), (0.5, STALL_PERIODS / 0.5)):
            self.setUp()
            self.source.opening = SourceInfo(1, 1, fps, "fake", "a fake")
            self.begin()
            self.step(2)
            self.clock.advance(seconds - 0.1)
            self.step()  # each picture starts the wait anew
            self.clock.advance(seconds - 0.1)
            self.assertEqual(self.kinds, ["opened", "picture", "picture"])
            self.clock.advance(0.2)
            self.assertEqual(self.kinds[3:], ["failed"])
            self.assertIn(f"{seconds:g} s", self.heard[3][1])

    def test_the_reason_of_the_last_corrupt_picture_is_part_of_a_stall(self) -> None:
        self.source.script = [RawPicture(1.0, fault="cut off")]
        self.begin()
        self.step(2)
        self.clock.advance(STALL_SECONDS)
        self.assertTrue(self.heard[-1][1].endswith(": cut off"), self.heard)

    def test_the_first_picture_may_take_longer(self) -> None:
        self.begin(patience=30)
        self.step()
        self.clock.advance(29)
        self.assertEqual(self.kinds, ["opened"])
        self.step()
        self.clock.advance(STALL_SECONDS)
        self.assertEqual(self.kinds, ["opened", "picture", "failed"])

    def test_a_source_that_is_not_steady_does_not_stall(self) -> None:
        self.source.opening = SourceInfo(1, 1, 10, "fake", "a fake", steady=False)
        self.begin()
        self.step()
        self.clock.advance(1000)
        self.assertEqual(self.kinds, ["opened"])

    def test_the_end_closes_the_source_after_the_call_in_progress(self) -> None:
        capture = self.begin(InterruptibleSource())
        self.step(2)
        closed, heard = capture.end(), list(self.heard)
        self.assertEqual(self.source.calls[-1], "interrupt")
        self.step()  # the read
        self.assertNoResult(closed)
        self.step()  # the close
        self.successResultOf(closed)
        self.successResultOf(capture.released)
        self.assertEqual(self.source.calls[-2:], ["read", "close"])
        self.assertTrue(self.thread.ended)
        self.assertEqual((self.heard, self.clock.getDelayedCalls()), (heard, []))

    def test_packets_pass_without_the_thread_from_the_opening_to_the_end(self) -> None:
        source = PassingSource()
        capture = self.begin(source)
        self.assertIsNone(source.pass_on)
        self.step()
        assert source.pass_on is not None
        source.pass_on(PACKET)
        self.assertEqual(self.heard, [("opened", "a fake"), ("packet", b"data")])
        capture.end()
        self.assertIsNone(source.pass_on)

    def test_an_error_that_a_passing_packet_causes_is_a_failure_that_is_logged(self) -> None:
        source = PassingSource()
        self.begin(source)
        self.step()
        self.patch(self, "on_packet", lambda raw: 1 / 0)
        assert source.pass_on is not None
        source.pass_on(PACKET)
        self.assertEqual(self.kinds, ["opened", "failed"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_driver_that_hangs_is_abandoned(self) -> None:
        capture = self.begin()
        self.step()
        closed = capture.end()
        self.clock.advance(CLOSE_TIMEOUT)
        self.successResultOf(closed)
        self.assertNoResult(capture.released)
        self.step(2)  # the driver returns
        self.successResultOf(capture.released)
        self.assertTrue(self.thread.ended)

    def test_an_error_at_the_closing_is_logged(self) -> None:
        capture = self.begin()
        self.step()
        self.patch(self.source, "close", lambda: 1 / 0)
        closed = capture.end()
        self.step(2)
        self.successResultOf(closed)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_listener_may_end_it_when_it_is_opened(self) -> None:
        self.patch(self, "on_opened", lambda granted: self.capture.end())
        self.begin()
        self.step(2)
        self.assertEqual((self.source.calls, self.heard), (["open", "close"], []))

    def test_encoding_is_put_off_while_nobody_wants_pictures(self) -> None:
        wanted = [False, True]
        pictures: list[EncodedPicture] = []
        self.patch(self, "on_picture", pictures.append)
        self.source.script = [RawPicture(1.0, image=np.zeros((8, 8, 3), np.uint8))] * 2
        self.capture = Capture(
            self.source,
            JpegEncoder(),
            self.thread,
            self.clock,
            self,
            is_wanted=lambda: wanted.pop(0),
        )
        self.capture.begin()
        self.step(3)
        self.assertEqual([callable(each.jpeg) for each in pictures], [True, False])
