"""JPEG of a camera that encodes: late pictures are not shown, and work is never piled up."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import ManualThread
from tests.support.films import START_US, h264_packets
from tests.support.nal_streams import encoded
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.media.frame import Frame
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.stream.hub import FrameHub, GroupHub, Sink
from twistedcam.stream.jpeg_transcoder import MAX_LATE_TIME, JpegTranscoder, decode_still


class Taker(Sink[Frame]):
    def __init__(self) -> None:
        self.seqs: list[int] = []

    def take(self, packet: Frame, /) -> None:
        self.seqs.append(packet.seq)


class JpegTranscoderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.source, self.frames = Clock(), GroupHub(), FrameHub()
        self.encoder = JpegEncoder()
        self.threads: list[ManualThread] = []
        self.faults: list[str] = []
        self.frames.on_undecodable = self.faults.append
        self.transcoder = JpegTranscoder(
            self.source,
            self.frames,
            lambda: self.encoder,
            self.start_thread,
            self.clock.seconds,
            lambda: START_US / 1e6 + self.clock.seconds(),
        )
        self.frames.on_demand = self.transcoder.demand
        self.taker = Taker()

    def start_thread(self) -> ManualThread:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def work(self) -> None:
        while self.threads[-1].waiting:
            self.threads[-1].step()

    def show(self, packets: list[Packet]) -> None:
        for each in packets:
            self.source.publish(each)

    def test_it_begins_with_the_newest_picture_of_the_group(self) -> None:
        packets = h264_packets([n / 10 for n in range(6)])
        self.clock.rightNow = 0.5
        self.show(packets[:5])
        self.frames.add(self.taker)
        self.work()
        self.show(packets[5:])
        self.work()
        self.assertEqual(self.taker.seqs, [4, 5])

    def test_a_picture_of_an_earlier_encoder_is_left_out(self) -> None:
        self.frames.add(self.taker)
        packets = h264_packets([0, 0.1])
        self.show(packets[:1])
        self.encoder = JpegEncoder(privacy=[((0, 0), (1, 0), (1, 1))])
        self.show(packets[1:])
        self.work()
        self.assertEqual(self.taker.seqs, [1])

    def test_behind_it_begins_with_the_newest_key_frame(self) -> None:
        self.frames.add(self.taker)
        packets = h264_packets([n / 10 for n in range(35)], keyframes=1.0)
        self.show(packets[:1])
        self.clock.rightNow = 3.4
        self.show(packets[1:])
        self.work()
        self.assertEqual(self.taker.seqs[-1], 34)
        self.assertLessEqual(len(self.taker.seqs), 2)
        self.assertEqual(self.transcoder.dropped, 33)

    def test_frames_of_a_stream_with_b_frames_are_numbered_as_they_are_shown(self) -> None:
        data = encoded(
            "h264", options=(("preset", "medium"), ("bf", "2"), ("b-adapt", "0")), frames=12
        )
        track = Track(VIDEO, "video", "h264", 128, 96)
        self.frames.add(self.taker)
        for n, each in enumerate(data, 1):
            keyframe = NAL_CODECS["h264"].is_keyframe(each)
            self.show([Packet(track, n, START_US, START_US, each, keyframe)])
            self.work()
        self.assertEqual(self.taker.seqs, list(range(1, len(self.taker.seqs) + 1)))
        self.assertGreaterEqual(len(self.taker.seqs), 9)  # all but those in the decoder

    def test_after_a_pause_nothing_old_is_shown(self) -> None:
        self.frames.add(self.taker)
        packets = h264_packets([n / 10 for n in range(40)], keyframes=1.0)
        for each in packets[:5]:
            self.clock.rightNow = (each.time_us - START_US) / 1e6
            self.show([each])
            self.work()
        self.clock.advance(3.0)  # the process was stopped, and what was sent meanwhile comes now
        for each in packets[5:]:
            self.show([each])
            self.work()
        self.assertEqual(self.taker.seqs[:5], [0, 1, 2, 3, 4])
        now = self.clock.seconds()
        self.assertTrue(all(now - seq / 10 <= 0.31 for seq in self.taker.seqs[5:]))
        self.assertIn(34, self.taker.seqs)

    def test_pictures_that_stay_late_are_shown_after_a_while(self) -> None:
        self.frames.add(self.taker)
        for number, each in enumerate(h264_packets([n / 10 for n in range(60)])):
            delay = 0 if number < 10 else 5
            self.clock.rightNow = number / 10 + delay
            self.show([each])
            self.work()
        late = [seq for seq in self.taker.seqs if seq >= 10]
        self.assertEqual(late[0], 10 + MAX_LATE_TIME * 10)
        self.assertEqual(late[-1], 59)

    def test_a_broken_packet_costs_the_group_and_is_told(self) -> None:
        self.frames.add(self.taker)
        packets = h264_packets([n / 10 for n in range(20)], keyframes=1.0)
        packets[2] = Packet(packets[2].track, 2, 0, 0, b"\0\0\0\1\x65" + bytes(99), True)
        for each in packets:
            self.clock.rightNow = each.seq / 10
            self.show([each])
            self.work()
        self.assertEqual(self.taker.seqs, [0, 1, *range(10, 20)])
        self.assertEqual(len(self.faults), 1)

    def test_it_ends_with_the_last_sink(self) -> None:
        self.frames.add(self.taker)
        self.show(h264_packets([0]))
        self.frames.remove(self.taker)
        self.assertFalse(self.transcoder.is_active)
        self.work()
        self.assertTrue(self.threads[-1].ended)
        self.assertEqual(self.taker.seqs, [])

    def test_a_still_is_decoded_on_a_thread_of_its_own(self) -> None:
        packets = h264_packets([0])
        made = decode_still(packets[0], JpegEncoder(), self.start_thread)
        self.assertNoResult(made)
        self.work()
        frame = self.successResultOf(made)
        self.assertEqual((frame.seq, frame.size), (0, (160, 120)))
