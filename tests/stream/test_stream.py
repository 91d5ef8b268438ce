"""Who gets which packets: the camera's own, or what is made of them while somebody wants it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread, PacketKeeper
from tests.support.films import START_US, frame, h264_packets
from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import NotSupported
from twistedcam.events import EventBus
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, VIDEO, Track
from twistedcam.stream.encoder_sharing import MAX_SIZES
from twistedcam.stream.stream import Stream
from twistedcam.stream.wants import Wants


class StreamTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.encoder = JpegEncoder()
        self.demands: list[bool] = []
        self.stream = Stream(
            "cam",
            None,
            self.start_thread,
            EventBus(),
            lambda: self.encoder,
            self.clock.seconds,
        )
        self.stream.on_demand = self.demands.append
        self.stream._jpeg_transcoder._wall = lambda: START_US / 1e6 + self.clock.seconds()
        self.threads = 0

    def start_thread(self) -> Any:
        self.threads += 1
        return InlineThread()

    def subscribe(self, *codecs: str, **more: Any) -> PacketKeeper:
        taker = PacketKeeper()
        taker.subscription = self.stream.subscribe(taker, Wants(codecs, **more))  # type: ignore
        return taker

    def show(self, *packets: Packet) -> None:
        for each in packets:
            self.clock.rightNow = (each.time_us - START_US) / 1e6
            self.stream.publish(each)

    def test_a_sink_gets_the_camera_s_packets_as_they_are(self) -> None:
        taker = self.subscribe("h264", "mjpeg")
        packets = h264_packets([0, 0.1, 0.2])
        self.show(*packets)
        self.assertEqual(taker.taken, packets)
        self.assertEqual(taker.tracks[-1], packets[0].track)
        self.assertEqual(self.threads, 0, "nothing is decoded")
        self.assertEqual(self.stream.codecs, ("h264", "mjpeg"))
        self.assertEqual(self.stream.transcoding(), [])

    def test_jpeg_of_a_camera_that_encodes_is_made_while_somebody_wants_it(self) -> None:
        packets = h264_packets([n / 10 for n in range(8)])
        self.show(*packets[:3])
        one, two = self.subscribe("mjpeg"), self.subscribe("mjpeg")
        self.show(*packets[3:5])
        self.assertEqual([each.seq for each in one.taken], [2, 3, 4])
        self.assertEqual(one.taken[1:], two.taken)
        self.assertIsInstance(one.taken[0], Frame)
        self.assertEqual(one.taken[1].time_us, packets[3].time_us)
        self.assertEqual(one.taken[1].pts, packets[3].pts)
        self.assertEqual(self.threads, 1)
        self.assertEqual(self.stream.transcoding(), [("h264", "mjpeg", 2)])
        one.subscription.close()  # type: ignore[attr-defined]
        two.subscription.close()  # type: ignore[attr-defined]
        self.assertEqual(self.stream.transcoding(), [])
        self.assertIsNone(self.stream.frames.newest)
        self.show(*packets[5:])
        self.assertEqual(len(one.taken), 3)

    def test_pictures_that_a_transcoder_leaves_out_are_counted(self) -> None:
        packets = h264_packets([n / 10 for n in range(8)])
        jpeg, own = self.subscribe("mjpeg"), self.subscribe("h264")
        self.show(*packets[:3])
        self.clock.advance(3.0)  # the others are late
        for each in packets[3:]:
            self.stream.publish(each)
        self.assertEqual([each.seq for each in jpeg.taken], [0, 1, 2])
        self.assertEqual(jpeg.subscription.dropped, 5)  # type: ignore[attr-defined]
        self.assertEqual(len(own.taken), 8)
        self.assertEqual(own.subscription.dropped, 0)  # type: ignore[attr-defined]

    def test_h264_of_a_camera_that_gives_jpeg_is_encoded_once_for_all(self) -> None:
        one, two = self.subscribe("h264"), self.subscribe("h264")
        self.show(*(frame(n / 10, n) for n in range(4)))
        self.assertEqual(one.codecs, ["h264"] * 4)
        self.assertTrue(all(a is b for a, b in zip(one.taken, two.taken, strict=True)))
        self.assertEqual([each.seq for each in one.taken], [0, 1, 2, 3])
        self.assertTrue(one.taken[0].is_keyframe)
        self.assertIn(b"\0\0\0\1\x67", one.taken[0].track.extradata)
        self.assertEqual(self.stream.transcoding(), [("mjpeg", "h264", 2)])
        special = self.subscribe("h264", settings=H264Settings(crf=40))
        self.show(frame(0.5, 5))
        self.assertIsNot(special.taken[0], one.taken[-1])
        self.assertEqual(self.threads, 2)

    def test_a_sink_gets_no_track_of_an_encoding_that_has_ended(self) -> None:
        one = self.subscribe("h264")
        self.show(frame(0))
        one.subscription.close()
        two = self.subscribe("h264")
        self.show(frame(0.1, 1, 320, 240))
        self.assertEqual([(each.width, each.height) for each in one.tracks], [(160, 120)])
        self.assertEqual([(each.width, each.height) for each in two.tracks], [(320, 240)])

    def test_viewers_move_to_the_encoder_of_a_recording_and_see_the_same_track(self) -> None:
        viewer = self.subscribe("h264")
        self.show(*(frame(n / 10, n) for n in range(3)))
        before = viewer.tracks[-1]
        recording = self.subscribe("h264", every=True, settings=H264Settings())
        self.show(*(frame(n / 10, n) for n in range(3, 6)))
        self.assertEqual(self.stream.transcoding(), [("mjpeg", "h264", 2)])
        self.assertEqual([each.seq for each in viewer.taken], [0, 1, 2, 3, 4, 5])
        self.assertIs(viewer.taken[-1], recording.taken[-1])
        self.assertTrue(viewer.taken[3].is_keyframe)
        self.assertEqual(viewer.tracks[-1], before, "players need not begin anew")
        worse = self.subscribe("h264", settings=H264Settings(crf=40))
        self.show(frame(0.6, 6))
        self.assertIsNot(viewer.taken[-1], worse.taken[-1])

    def test_viewers_leave_an_encoder_whose_rate_is_above_their_limit(self) -> None:
        self.stream.use_settings(H264Settings(bitrate=10_000))
        recording = self.subscribe("h264", every=True, settings=H264Settings())
        viewer = self.subscribe("h264")
        noise = np.random.default_rng(1)

        def noisy(number: int) -> Frame:
            image = noise.integers(0, 256, (120, 160, 3), np.uint8)
            picture = cv2.imencode(".jpg", image)[1].tobytes()
            return Frame(number, START_US + number * 100_000, 160, 120, picture)

        self.show(*map(noisy, range(20)))
        self.assertIs(viewer.taken[19], recording.taken[19])
        self.show(*map(noisy, range(20, 25)))
        self.assertEqual([each.seq for each in viewer.taken], list(range(25)))
        self.assertIsNot(viewer.taken[-1], recording.taken[-1])
        self.assertLess(len(viewer.taken[-1].data), len(recording.taken[-1].data))
        self.assertEqual(self.stream.transcoding(), [("mjpeg", "h264", 1)] * 2)

    def test_viewers_that_ask_for_the_same_smaller_size_share_an_encoder(self) -> None:
        early = self.subscribe("h264", size=(80, 80))  # before the camera's size is known
        self.show(frame(0, 0))
        late = self.subscribe("h264", "hevc", size=(80, 60))
        whole = self.subscribe("h264", size=(160, 120))
        other = self.subscribe("h264")
        self.show(*(frame(n / 10, n) for n in range(1, 4)))
        self.assertIs(early.taken[-1], late.taken[-1])
        self.assertIs(whole.taken[-1], other.taken[-1])
        track = early.taken[-1].track
        self.assertEqual((track.width, track.height), (80, 60))
        self.assertEqual(
            self.stream.transcoding(), [("mjpeg", "h264 80x60", 2), ("mjpeg", "h264", 2)]
        )
        with self.assertRaisesRegex(
            NotSupported, "smaller picture of cam can be had as H.264 only"
        ):
            self.subscribe("mjpeg", size=(80, 60))

    def test_few_sizes_are_encoded_at_the_same_time(self) -> None:
        self.show(frame(0, 0))
        for number in range(MAX_SIZES):
            self.subscribe("h264", size=(80 + 4 * number, 80))
        other = self.subscribe("h264", size=(98, 120))
        self.show(*(frame(n / 10, n) for n in range(1, 4)))
        self.assertEqual(other.taken[-1].track.width, 96)
        self.assertEqual(len(self.stream.h264_transcoders), MAX_SIZES)
        with self.assertRaisesRegex(NotSupported, "in 8 sizes already, and none fits into 40x30"):
            self.subscribe("h264", size=(40, 30))

    def test_a_smaller_size_of_a_camera_that_encodes_is_transcoded(self) -> None:
        packets = h264_packets([n / 10 for n in range(8)])
        self.show(*packets[:3])
        box = packets[0].track.width // 2, packets[0].track.height
        smaller, own = self.subscribe("h264", size=box), self.subscribe("h264", size=(9999, 9999))
        self.show(*packets[3:])
        self.assertEqual(own.taken, packets[3:])
        self.assertEqual(smaller.taken[-1].track.width, box[0])
        name = f"h264 {smaller.taken[-1].track.width}x{smaller.taken[-1].track.height}"
        self.assertEqual(self.stream.transcoding(), [("h264", name, 1)])

    def test_new_settings_apply_at_once_and_the_rate_is_that_of_the_camera(self) -> None:
        self.stream.find_rate = lambda: 29.97
        viewer = self.subscribe("h264")
        self.show(frame(0, 0))
        self.assertEqual(viewer.tracks[-1].rate, Fraction(2997, 100))
        self.stream.use_settings(H264Settings(preset="veryfast"))
        self.show(frame(0.1, 1))
        active = self.stream.h264_transcoders
        self.assertEqual([each.settings.preset for each in active], ["veryfast"])
        self.assertEqual([each.seq for each in viewer.taken], [0, 1])

    def test_a_sink_that_takes_both_gets_jpeg_of_a_camera_that_gives_jpeg(self) -> None:
        taker = self.subscribe("h264", "mjpeg")
        self.show(frame(0))
        self.assertEqual((taker.codecs, self.threads), (["mjpeg"], 0))

    def test_a_sink_moves_when_the_camera_s_codec_changes(self) -> None:
        taker = self.subscribe("h264", "mjpeg")
        self.show(frame(0))
        self.show(*h264_packets([1, 1.1]))
        self.show(frame(2))
        self.assertEqual(taker.codecs, ["mjpeg", "h264", "h264", "mjpeg"])
        self.assertEqual(self.demands, [True])

    def test_a_sink_hears_of_no_codec_that_it_does_not_take(self) -> None:
        h264, small = h264_packets([0, 0.1, 0.6]), Track(VIDEO, "video", "hevc", 320, 240)
        hevc = [Packet(small, 9, each.time_us + 300_000, 0, b"x") for each in h264[:1]]
        takers = self.subscribe("h264"), self.subscribe("hevc", "h264")
        self.show(h264[0], *hevc, frame(0.4, 10), h264[2])
        self.assertEqual({each.codec for each in takers[0].tracks}, {"h264"})
        self.assertEqual({each.codec for each in takers[1].tracks}, {"h264", "hevc"})
        self.assertEqual([each.codec for each in takers[1].tracks][-1], "h264")
        self.assertEqual(takers[1].codecs.count("hevc"), 1)

    def test_pictures_that_are_changed_here_are_decoded_and_encoded(self) -> None:
        self.encoder = JpegEncoder(rotate="90")
        taker = self.subscribe("h264", "mjpeg")
        self.show(*h264_packets([0, 0.1]))
        self.assertEqual(taker.codecs, ["mjpeg"] * 2)
        self.assertEqual(taker.taken[0].size, (120, 160))
        self.encoder = JpegEncoder()
        self.stream.negotiate()
        self.show(h264_packets([0.2])[0])
        self.assertEqual(taker.codecs[-1], "h264")

    def test_a_codec_that_cannot_be_had_is_one_sentence(self) -> None:
        self.show(*h264_packets([0]))
        with self.assertRaisesRegex(NotSupported, r"^cam gives h264, .* this takes vp9$"):
            self.subscribe("vp9")
        self.assertFalse(self.stream.is_wanted)

    def test_a_still_is_the_newest_key_frame_and_is_decoded_once(self) -> None:
        self.assertIsNone(self.still())
        packets = h264_packets([n / 10 for n in range(15)], keyframes=1.0)
        self.show(*packets)
        still = self.still()
        self.assertEqual(still.seq, 10)
        self.assertEqual((still.width, still.height), (160, 120))
        self.assertIs(self.still(), still)
        self.assertEqual(self.threads, 1)

    def still(self) -> Any:
        from twisted.internet.defer import Deferred

        return self.successResultOf(Deferred.fromCoroutine(self.stream.still()))

    def test_times_go_forward_when_the_clock_is_set_back(self) -> None:
        taker = self.subscribe("mjpeg")
        self.show(frame(10, 1))
        self.clock.advance(0.1)
        self.stream.publish(frame(3, 2))
        self.assertIn(taker.taken[1].pts - taker.taken[0].pts, (99_999, 100_000))
        self.assertEqual(self.stream.now(), taker.taken[1].pts)

    def test_sound_is_on_the_timeline_of_the_video(self) -> None:
        track = Track(AUDIO, "audio", "opus", channels=1)
        taker = self.subscribe("aac", "opus", kind="audio")
        sound = [Packet(track, n, START_US + n * 20_000, 0, b"sound") for n in range(4)]
        self.stream.publish(sound[0])
        self.assertEqual(taker.taken, [], "no picture has come yet")
        self.show(frame(0))
        for each in sound[1:]:
            self.stream.publish(each)
        self.assertEqual(taker.taken, sound[1:])
        self.assertEqual([each.pts - START_US for each in sound[1:]], [20_000, 40_000, 60_000])
        self.assertEqual([each.kind for each in self.stream.tracks], ["video", "audio"])

    def test_what_is_cleared_is_not_the_newest_any_more(self) -> None:
        taker = self.subscribe("h264")
        packets = h264_packets([0, 0.1])
        self.show(*packets)
        self.assertIs(self.stream.newest, packets[1])
        self.stream.clear()
        self.assertIsNone(self.stream.newest)
        self.assertEqual(self.stream.packets.group, [])
        self.assertEqual(self.stream.codec, "h264", "that of its last opening")
        taker.subscription.close()  # type: ignore[attr-defined]
        self.assertEqual(self.demands, [True, False])

    def test_packets_in_another_order_keep_their_distance(self) -> None:
        track = Track(VIDEO, "video", "h264", 16, 16)
        taker = self.subscribe("h264")
        for number, (pts, dts) in enumerate([(40, 0), (160, 40), (80, 80)]):
            times = START_US + pts * 1000, START_US + dts * 1000
            packet = Packet(track, number, times[0], times[0], b"data", not number, times[1])
            self.stream.publish(packet)
        self.assertEqual([each.dts - START_US for each in taker.taken], [0, 40_000, 80_000])
        self.assertEqual([each.pts - START_US for each in taker.taken], [40_000, 160_000, 80_000])
