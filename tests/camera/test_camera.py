"""A camera is stopped → starting → live ⇄ recovering → stopped, and says the truth about it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import CameraRig, FakeScheme
from twistedcam import Frame
from twistedcam.camera.camera import PICTURE_WAIT
from twistedcam.camera.capture_base import CLOSE_TIMEOUT, STALL_SECONDS
from twistedcam.camera.retry import RETRY_MOST
from twistedcam.errors import CameraFailed, SourceEnded
from twistedcam.media.track import VIDEO, Track
from twistedcam.sources.base import RawPacket, SourceInfo
from twistedcam.stream.hub import Sink
from twistedcam.stream.wants import Wants


class LifecycleTests(Sink, SynchronousTestCase):
    def setUp(self) -> None:
        scheme = FakeScheme()
        self.scheme = scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.rig = CameraRig()
        self.scheme.sources.clear()  # the one that was made to check the settings
        self.camera = self.rig.camera
        self.frames: list[int] = []
        self.camera.hub.add(self)

    def take(self, frame: Frame) -> None:
        self.frames.append(frame.seq)

    def go_live(self, first: RawPacket | None = None) -> Deferred[None]:
        started = self.camera.start()
        if first is not None:
            self.scheme.sources[-1].script.append(first)
        self.rig.step(2)  # open, and the first read
        self.successResultOf(started)
        return started

    def test_it_goes_live_with_its_first_picture(self) -> None:
        started = self.camera.start()
        self.assertEqual(self.rig.states, ["starting"])
        self.rig.step()
        self.assertNoResult(started)
        self.rig.step()
        self.successResultOf(started)
        self.assertEqual(self.rig.states, ["starting", "live"])
        self.assertEqual(self.frames, [1])

    def test_a_picture_is_waited_for_while_the_camera_is_opened_anew(self) -> None:
        self.go_live()
        self.camera.use(self.camera.spec.with_settings({"privacy": "0,0 1,0 1,1"}))
        self.assertEqual(self.camera.state, "recovering")
        waiting = Deferred.fromCoroutine(self.camera.picture())
        self.assertNoResult(waiting)
        self.rig.step(4)
        self.assertEqual(self.successResultOf(waiting).seq, self.frames[-1])

    def test_the_size_is_the_picture_s_as_soon_as_the_source_is_open(self) -> None:
        self.scheme.opening = SourceInfo(320, 240, 10.0)
        self.camera.use(self.camera.spec.with_settings({"rotate": "90"}))
        self.camera.start()
        self.rig.step()
        self.assertEqual((self.camera.width, self.camera.height), (240, 320))

    def test_sound_that_cannot_be_received_has_a_reason_until_the_camera_sends_other(self) -> None:
        fault = "its sound (G729) cannot be received"
        self.scheme.opening = SourceInfo(sound_fault=fault)
        self.go_live()
        self.assertEqual((self.camera.audio.state, self.camera.audio.reason), ("none", fault))
        self.camera.on_opened(SourceInfo())  # again
        self.assertIsNone(self.camera.audio.reason)

    def test_the_rate_that_comes_in_truth_is_logged_once_for_each_opening(self) -> None:
        self.scheme.opening = SourceInfo(1, 1, 10.0)
        with capturedLogs() as logged:
            self.go_live()
            for _ in range(20):
                self.rig.clock.advance(0.5)
                self.rig.step()
        lines = [formatEvent(event) for event in logged]
        self.assertEqual(lines.count("cam delivers 2.0 fps; the source promised 10"), 1, lines)
        self.assertEqual(len([line for line in lines if "delivers" in (line or "")]), 1)

    def test_starting_twice_opens_once_and_answers_both(self) -> None:
        first, second = self.camera.start(), self.camera.start()
        self.rig.step(2)
        self.successResultOf(first)
        self.successResultOf(second)
        self.successResultOf(self.camera.start())
        self.assertEqual(len(self.rig.threads), 1)
        self.assertEqual(self.rig.states, ["starting", "live"])

    def test_stop_closes_the_device_and_repeated_changes_nothing(self) -> None:
        self.go_live()
        stopped = self.camera.stop()
        self.assertEqual(self.camera.state, "stopped")
        self.rig.step()  # the read that was under way
        self.rig.step()  # close
        self.successResultOf(stopped)
        self.assertEqual(self.scheme.sources[0].calls[-1], "close")
        self.assertTrue(self.rig.thread.ended)
        self.successResultOf(self.camera.stop())
        self.assertEqual(self.rig.states, ["starting", "live", "stopped"])

    def test_sequence_numbers_go_on_after_a_stop(self) -> None:
        self.go_live()
        self.camera.stop()
        self.rig.step(2)
        self.go_live()
        self.assertEqual(self.frames, [1, 2])

    def test_a_mask_that_is_set_while_it_is_stopped_is_for_those_who_stay_connected(self) -> None:
        self.camera.hub.remove(self)
        viewer = self.camera.stream.subscribe(self, Wants(("h264",)))
        track = Track(VIDEO, "video", "h264", 160, 120)
        self.go_live(RawPacket(track, 1.0, b"x"))
        self.assertIs(viewer.hub, self.camera.stream.packets)
        self.camera.stop()
        self.rig.step(2)
        self.camera.use(self.camera.spec.with_settings({"privacy": "0,0 1,0 1,1"}))
        self.go_live(RawPacket(track, 2.0, b"x"))
        self.assertIsNot(viewer.hub, self.camera.stream.packets)

    def test_stop_while_starting_wins(self) -> None:
        started = self.camera.start()
        self.camera.stop()
        self.failureResultOf(started, CameraFailed)
        self.rig.step(2)
        self.assertEqual(self.rig.states, ["starting", "stopped"])
        self.assertEqual(self.frames, [])

    def test_who_starts_a_source_that_may_be_silent_waits_for_so_long_and_no_longer(self) -> None:
        self.scheme.opening = SourceInfo(steady=False)
        first, second = self.camera.start(), self.camera.start()
        self.rig.clock.advance(1)
        self.scheme.sources[0].script += [None] * 2
        self.rig.step(2)
        self.rig.clock.advance(PICTURE_WAIT - 0.1)
        self.assertNoResult(first)
        self.rig.clock.advance(0.1)
        for started in (first, second):
            said = str(self.failureResultOf(started, CameraFailed).value)
            self.assertEqual(said, "no picture came within 5 s; it is live as soon as one comes")
        self.assertEqual(self.rig.states, ["starting"])
        again, once_more = self.camera.start(), self.camera.start()
        self.rig.step()
        self.rig.clock.advance(PICTURE_WAIT)
        self.failureResultOf(again, CameraFailed)
        self.failureResultOf(once_more, CameraFailed)
        started = self.camera.start()
        self.rig.step()
        self.successResultOf(started)
        self.assertEqual(self.rig.clock.getDelayedCalls(), [])

    def test_who_starts_a_slow_webcam_waits_for_it(self) -> None:
        self.scheme.opening = SourceInfo(1, 1, 0.25)
        started = self.camera.start()
        self.rig.step()
        self.rig.clock.advance(4 * PICTURE_WAIT - 0.1)
        self.assertNoResult(started)
        self.rig.step()
        self.successResultOf(started)

    def test_who_starts_it_while_its_source_waits_in_silence_is_told_why(self) -> None:
        self.scheme.opening = SourceInfo(steady=False)
        self.go_live()
        self.scheme.sources[0].script.append(CameraFailed("the publisher has gone"))
        self.rig.step(2)
        self.rig.clock.advance(0.5)
        self.rig.step()  # it is open again
        started = self.camera.start()
        self.rig.clock.advance(PICTURE_WAIT)
        said = str(self.failureResultOf(started, CameraFailed).value)
        self.assertEqual(said, "the publisher has gone; it is live as soon as one comes")

    def test_a_start_right_after_a_stop_waits_for_the_device_to_be_free(self) -> None:
        self.go_live()
        self.camera.stop()
        started = self.camera.start()
        self.assertEqual(len(self.rig.threads), 1)
        self.rig.step(2)  # the read under way, close
        self.assertEqual(len(self.rig.threads), 2)
        self.rig.step(2)
        self.successResultOf(started)

    def test_a_camera_that_is_not_there_is_tried_again_until_it_is(self) -> None:
        self.scheme.opening = CameraFailed("no such device")
        started = self.camera.start()
        self.rig.step()
        self.assertIn("no such device", str(self.failureResultOf(started).value))
        self.assertEqual((self.camera.state, self.camera.reason), ("recovering", "no such device"))
        self.rig.step()  # close
        self.scheme.opening = SourceInfo(1, 1, 10.0)
        self.rig.clock.advance(0.5)
        self.rig.step(2)
        self.assertEqual(self.rig.states, ["starting", "recovering", "live"])

    def test_the_wait_between_tries_doubles_up_to_ten_seconds(self) -> None:
        self.scheme.opening = CameraFailed("no such device")
        self.camera.start().addErrback(lambda _: None)
        for wait in (0.5, 1, 2, 4, 8, 10, 10):
            self.rig.step(2)  # open fails, close
            tries = len(self.rig.threads)
            self.rig.clock.advance(wait - 0.01)
            self.assertEqual(len(self.rig.threads), tries)
            self.rig.clock.advance(0.01)
            self.assertEqual(len(self.rig.threads), tries + 1)

    def test_a_camera_that_goes_is_brought_back_and_numbers_go_on(self) -> None:
        self.go_live()
        self.scheme.sources[0].script.append(CameraFailed("it was unplugged"))
        self.rig.step(2)
        self.assertEqual(self.camera.reason, "it was unplugged")
        self.assertIsNone(self.camera.hub.newest)
        self.rig.clock.advance(0.5)
        self.rig.step(2)
        self.assertEqual(self.rig.states, ["starting", "live", "recovering", "live"])
        self.assertEqual(self.frames, [1, 2])

    def test_stop_while_recovering_ends_the_tries(self) -> None:
        self.go_live()
        self.scheme.sources[0].script.append(CameraFailed("it was unplugged"))
        self.rig.step(2)
        self.successResultOf(self.camera.stop())
        self.rig.clock.advance(60)
        self.assertEqual(len(self.rig.threads), 1)
        self.assertEqual(self.camera.state, "stopped")

    def test_silence_is_a_stall(self) -> None:
        self.go_live()
        self.rig.clock.advance(STALL_SECONDS)
        self.assertEqual(self.camera.state, "recovering")
        self.assertIn("no picture for 2 s", self.camera.reason or "")

    def test_a_silent_device_is_opened_anew_and_then_listened_to_for_longer(self) -> None:
        self.go_live()
        self.rig.clock.advance(STALL_SECONDS)
        self.rig.step(2)  # the read that was under way, close
        self.rig.clock.advance(0.5)
        self.rig.step()  # it is open again
        self.rig.clock.advance(RETRY_MOST - 0.1)
        self.assertEqual(self.camera.counts.restarts, 1)
        self.rig.step()
        self.assertEqual(self.rig.states, ["starting", "live", "recovering", "live"])

    def test_a_driver_that_hangs_holds_up_neither_stop_nor_the_next_start(self) -> None:
        self.go_live()
        stopped = self.camera.stop()
        self.rig.clock.advance(CLOSE_TIMEOUT)
        self.successResultOf(stopped)
        hung = self.rig.thread
        self.go_live()
        self.assertEqual(len(self.rig.threads), 2)
        hung.step()  # it comes back at last: its device is closed, and nobody else minds
        hung.step()
        self.assertEqual(self.scheme.sources[0].calls[-1], "close")
        self.assertEqual(self.camera.state, "live")

    def test_a_film_at_its_end_stops_the_camera(self) -> None:
        self.go_live()
        self.scheme.sources[0].script.append(SourceEnded("clip.mp4 is at its end"))
        self.rig.step(2)
        self.assertEqual(self.camera.state, "stopped")
        self.assertEqual(self.camera.reason, "clip.mp4 is at its end")

    def test_a_broken_picture_is_counted_and_not_sent_on(self) -> None:
        from twistedcam.sources.base import RawPicture

        self.go_live()
        self.scheme.sources[0].script.append(RawPicture(1.0, jpeg=b"\xff\xd8 no picture \xff\xd9"))
        self.rig.step(2)
        self.assertEqual(self.camera.counts.corrupt, 1)
        self.assertEqual(self.frames, [1, 2])

    def test_a_source_that_raises_what_it_should_not_is_a_fault_and_not_the_end(self) -> None:
        self.go_live()
        self.scheme.sources[0].script.append(ZeroDivisionError("a bug"))
        self.rig.step(2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.camera.state, "recovering")

    def test_a_listener_that_stops_the_camera_as_it_goes_live_is_obeyed(self) -> None:
        def stop(event: Any) -> None:
            if getattr(event, "state", "") == "live":
                self.camera.stop()

        self.camera._events.subscribe(stop)
        self.camera.start().addErrback(lambda _: None)
        self.rig.step(2)
        self.assertEqual(self.camera.state, "stopped")
        self.assertEqual(self.frames, [])
