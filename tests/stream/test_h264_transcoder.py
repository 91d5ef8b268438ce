"""One encode for many: who leaves, who may miss nothing, and an encoder that does not work."""

from __future__ import annotations

import io
from typing import Any

import av
from twisted.logger import capturedLogs

from tests.recording.test_recorder import ODD, RecorderCase
from tests.support.fakes import ManualThread
from tests.support.films import START_US, jpeg
from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.errors import NotSupported
from twistedcam.events import Fault
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.stream import h264_transcoder as shared
from twistedcam.stream import write_queue as queue
from twistedcam.stream.h264_transcoder import H264Transcoder
from twistedcam.stream.hub import Sink


class Taker(Sink[Packet]):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.keyframes = 0
        self.keys: list[bool] = []
        self.tracks: list[Track] = []
        self.keyframe_data: list[bytes] = []

    def take(self, packet: Packet, /) -> None:
        self.times.append(packet.time_us)
        self.keyframes += packet.is_keyframe
        self.keys.append(packet.is_keyframe)
        self.tracks.append(packet.track)
        if packet.is_keyframe:
            self.keyframe_data.append(packet.data)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        return [(each.width, each.height) for each in self.tracks]


def size_of(keyframe: bytes) -> tuple[int, int]:
    """The size of the picture that a stream begins with."""
    with av.open(io.BytesIO(keyframe), format="h264") as read:
        codec = read.streams.video[0].codec_context
        return codec.width, codec.height


class SharedEncoderTests(RecorderCase):
    """An encoder whose thread works when the test lets it."""

    def setUp(self) -> None:
        super().setUp()
        self.threads: list[ManualThread] = []
        self.encoder = H264Transcoder(
            self.camera.name,
            self.camera.hub,
            H264Settings(),
            self.start_thread,
            self.bus,
            monotonic=self.clock.seconds,
        )

    def start_thread(self) -> Any:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def work(self) -> None:
        """The thread does all that there is to do."""
        while self.threads[-1].waiting:
            self.threads[-1].step()

    def show_size(self, width: int, height: int, seconds: float) -> None:
        """The camera gives ten pictures a second of that size, and each is encoded."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            time_us = START_US + round(self.clock.seconds() * 1e6)
            self.camera.stream.publish(Frame(9, time_us, width, height, jpeg(0, width, height)))
            self.work()

    def test_a_size_that_changes_all_the_time_is_fitted_into_one_stream(self) -> None:
        taker = Taker()
        self.encoder.add(taker)
        for _ in range(20):
            self.show_size(160, 120, 0.5)
            self.show_size(320, 240, 0.5)
        self.assertEqual((len(taker.times), self.encoder.dropped), (200, 0))
        self.assertEqual(taker.sizes, [(160, 120)] * 200)
        self.assertEqual({size_of(each) for each in taker.keyframe_data}, {(160, 120)})

    def test_a_size_that_stays_is_a_stream_of_its_own_and_nothing_is_lost(self) -> None:
        taker = Taker()
        self.encoder.add(taker, every=True)
        self.show_size(160, 120, 2)
        self.show_size(320, 240, 3)
        self.assertEqual(len(taker.times), 50)
        self.assertEqual(taker.sizes, [(160, 120)] * 30 + [(320, 240)] * 20)
        self.assertEqual(size_of(taker.keyframe_data[-1]), (320, 240))

    def test_another_size_after_a_loss_is_a_stream_of_its_own_at_once(self) -> None:
        taker = Taker()
        self.encoder.add(taker)
        self.show_size(160, 120, 1)
        self.camera.stream.clear()
        self.show_size(320, 240, 1)
        self.assertEqual(taker.sizes, [(160, 120)] * 10 + [(320, 240)] * 10)
        self.assertEqual(taker.keys[10], True)

    def test_broken_pictures_are_dropped_counted_and_logged_once(self) -> None:
        taker = Taker()
        self.encoder.add(taker)
        with capturedLogs() as logs:
            for odd in [*ODD.values()] * 2:
                self.show_size(160, 120, 0.3)
                self.clock.advance(0.05)
                time_us = START_US + round(self.clock.seconds() * 1e6)
                self.camera.stream.publish(Frame(9, time_us, *odd))
                self.work()
            self.show_size(160, 120, 0.3)
        self.assertEqual(len(taker.times) + self.encoder.dropped, 2 * 4 * len(ODD) + 3)
        self.assertGreaterEqual(len(taker.times), 2 * 3 * len(ODD) + 3)
        self.assertEqual(set(taker.sizes), {(160, 120)})
        said = [each["reason"] for each in logs if "reason" in each]
        self.assertEqual(len(said), len(set(said)))
        self.assertEqual(len(said), 4)  # three sizes, and what cannot be decoded
        self.assertEqual(self.encoder._frames, {})
        self.assertEqual(self.faults(), [])

    def test_pictures_that_are_all_odd_are_not_kept(self) -> None:
        self.encoder.add(Taker())
        for _ in range(20):
            self.clock.advance(0.1)
            time_us = START_US + round(self.clock.seconds() * 1e6)
            self.camera.stream.publish(Frame(9, time_us, *ODD["garbage"]))
            self.work()
        self.assertEqual((self.encoder._frames, self.encoder.dropped), ({}, 20))

    def faults(self) -> list[str]:
        return [each.reason for each in self.events if isinstance(each, Fault)]

    def test_a_lossless_listener_gets_all_frames_before_it_is_removed(self) -> None:
        taker, other = Taker(), Taker()
        self.encoder.add(taker, every=True)
        self.show(1)
        left = self.encoder.remove(taker)
        self.encoder.add(other)
        self.show(1)
        self.assertNoResult(left)
        self.work()
        self.successResultOf(left)
        self.assertEqual(len(taker.times), 10)  # what was captured before it left
        self.assertEqual(len(self.encoder.hub), 1)
        self.successResultOf(self.encoder.remove(other))
        self.successResultOf(self.encoder.remove(other))
        self.work()
        self.assertTrue(self.threads[-1].ended)
        self.assertEqual(len(self.camera.hub), 0)

    def test_a_new_listener_begins_with_a_key_frame_and_all_stay_in_order(
        self,
    ) -> None:
        viewer, taker = Taker(), Taker()
        self.encoder.add(viewer)
        self.show_size(160, 120, 0.5)
        self.show(0.2)  # one is in the encoder, one waits
        self.encoder.add(taker, every=True)
        self.show(0.3)
        self.work()
        self.assertEqual(len(viewer.times), 10)
        self.assertEqual(viewer.times, sorted(viewer.times))
        self.assertEqual(taker.times[-3:], viewer.times[-3:])
        self.assertEqual(viewer.keys[-3:], [True, False, False])
        self.assertEqual(viewer.keyframes, 2)

    def test_what_was_captured_before_a_loss_comes_first_and_then_a_key_frame(self) -> None:
        taker = Taker()
        self.encoder.add(taker, every=True)
        self.show(0.5)
        flushed = self.encoder.flush()
        self.camera.stream.clear()
        self.assertNoResult(flushed)
        self.work()
        self.successResultOf(flushed)
        self.show(0.2)
        self.work()
        self.assertEqual(taker.keys, [True, *[False] * 4, True, False])
        self.successResultOf(self.encoder.flush())

    def test_other_listeners_get_the_newest_frames(self) -> None:
        taker = Taker()
        self.encoder.add(taker)
        self.show(1)
        self.work()
        self.assertEqual(len(taker.times), 2)  # the first, and the newest when it was ready
        self.assertEqual(self.encoder.dropped, 8)
        self.successResultOf(self.encoder.remove(taker))

    def test_a_hopeless_encoder_leaves_pictures_out_and_keeps_none_of_them(self) -> None:
        self.patch(queue, "MAX_FRAMES", 8)
        taker = Taker()
        self.encoder.add(taker, every=True)
        self.show(3)
        left = self.encoder.remove(taker)
        self.work()
        self.successResultOf(left)
        self.assertGreater(self.encoder.dropped, 10)
        self.assertEqual(len(taker.times), 30 - self.encoder.dropped)

    def test_a_failure_of_the_encoder_is_logged_once_and_each_picture_tries_again(self) -> None:
        working = shared.H264Encoder
        self.patch(shared, "H264Encoder", _Broken)
        taker = Taker()
        self.encoder.add(taker)
        for _ in range(3):
            self.show(0.1)
            self.work()
        self.assertEqual(self.faults(), ["H.264 cannot be encoded: there is none"])
        self.patch(shared, "H264Encoder", working)
        self.show(0.1)
        self.work()
        self.assertEqual((len(taker.times), taker.keyframes), (1, 1))
        self.assertEqual(self.encoder.name, "libx264")
        self.patch(shared, "H264Encoder", _Broken)
        self.show_size(320, 240, 1.5)  # needs another
        self.assertEqual(len(self.faults()), 2)  # it had worked meanwhile
        self.successResultOf(self.encoder.remove(taker))

    def test_a_taker_that_fails_does_not_end_it(self) -> None:
        good, bad = Taker(), Taker()
        bad.take = _fail  # type: ignore[method-assign]
        self.encoder.add(good)
        self.encoder.add(bad)
        for _ in range(2):
            self.show(0.1)
            self.work()
        self.assertEqual(len(good.times), 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertNotIn(bad, self.encoder.hub)
        self.successResultOf(self.encoder.remove(good))

    def test_pictures_of_one_moment_are_one_after_the_other(self) -> None:
        taker = Taker()
        self.encoder.add(taker, every=True)
        for number in range(3):
            self.camera.stream.publish(Frame(number + 1, 10**9 + number, 160, 120, jpeg(number)))
        left = self.encoder.remove(taker)
        self.work()
        self.successResultOf(left)
        self.assertEqual(len(taker.times), 3)


class _Broken:
    def __init__(self, *_: Any) -> None:
        raise NotSupported("there is none")


def _fail(*_: Any) -> None:
    raise ZeroDivisionError
