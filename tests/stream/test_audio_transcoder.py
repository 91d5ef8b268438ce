"""Sound is decoded once, and encoded for those who listen, while they do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread, ManualThread, PacketKeeper
from tests.support.sound import click_times, encoded_packets, pcm_packets
from twistedcam.media.packet import Packet
from twistedcam.stream.audio_transcoder import AudioTranscoder
from twistedcam.stream.hub import NORMAL, PATIENT, Hub


class AudioTranscoderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.source: Hub[Packet] = Hub()
        self.threads: list[Any] = []
        self.make: Any = InlineThread
        self.transcoder = AudioTranscoder("cam", self.source, self.start_thread)

    def start_thread(self) -> Any:
        self.threads.append(self.make())
        return self.threads[-1]

    def listen(
        self, codec: str, packets: list[Packet], priority: int = NORMAL
    ) -> tuple[Hub[Packet], PacketKeeper]:
        listener = PacketKeeper()
        hub = self.transcoder.hub_of(codec, packets[0].track)
        hub.add(listener, priority=priority)
        return hub, listener

    def show(self, packets: list[Packet]) -> None:
        for each in packets:
            self.source.publish(each)

    def test_each_codec_is_made_once_of_one_decoder(self) -> None:
        packets = pcm_packets(8_000, codec="pcm_alaw")
        listeners = [self.listen(codec, packets)[1] for codec in ("aac", "opus", "aac")]
        self.show(packets)
        self.assertEqual(len(self.threads), 1)
        self.assertIs(listeners[0].taken[5], listeners[2].taken[5])
        for each in listeners:
            self.assertEqual([round(at, 3) for at in click_times(each.taken)], [0.0, 1.0, 2.0])
            seqs = [packet.seq for packet in each.taken]
            self.assertEqual(seqs, list(range(1, len(seqs) + 1)))

    def test_nothing_is_done_while_nobody_listens(self) -> None:
        packets = pcm_packets(seconds=1)
        self.show(packets[:10])
        self.assertEqual(self.threads, [])
        hub, listener = self.listen("opus", packets)
        self.show(packets[10:20])
        hub.remove(listener)
        self.assertNotIn(self.transcoder, self.source)
        count = len(listener.taken)
        self.assertGreater(count, 5)
        self.show(packets[20:])
        self.assertEqual(len(listener.taken), count)

    def test_the_time_of_capture_is_that_of_the_camera_s_packets(self) -> None:
        packets = pcm_packets(seconds=1)
        for each in packets:
            each.pts = each.dts = each.time_us - 5_000_000
        _, listener = self.listen("pcm_s16le", packets)
        self.show(packets)
        self.assertEqual({each.time_us - each.pts for each in listener.taken}, {5_000_000})
        self.assertEqual(listener.taken[0].time_us, packets[0].time_us)

    def test_one_who_needs_every_packet_leaves_with_those_captured_before(self) -> None:
        self.make = ManualThread
        packets = pcm_packets(seconds=1)
        hub, listener = self.listen("pcm_s16le", packets)
        _, stays = self.listen("pcm_s16le", packets)
        self.show(packets[:10])  # the first is being converted, the others wait
        left = self.transcoder.remove(hub, listener, every=True)
        self.show(packets[10:20])
        self.assertNoResult(left)
        self.threads[0].step()
        self.assertNoResult(left)
        self.threads[0].step()
        self.successResultOf(left)
        self.assertLess(len(listener.taken), 11)
        self.assertGreater(listener.taken[-1].pts, packets[8].pts - 1)
        self.threads[0].step()
        self.assertGreater(len(stays.taken), len(listener.taken))

    def test_sound_gathers_while_only_patient_ones_take_it(self) -> None:
        packets = pcm_packets(seconds=1)
        hub, recorder = self.listen("pcm_s16le", packets, PATIENT)
        self.assertTrue(self.source.is_patient, "the camera's packets may gather, too")
        self.show(packets[:8])
        self.assertEqual(recorder.taken, [])
        self.show(packets[8:9])
        count = len(recorder.taken)
        self.assertGreaterEqual(count, 8)
        self.show(packets[9:12])
        self.assertEqual(len(recorder.taken), count)
        _, viewer = self.listen("opus", packets)
        self.assertGreater(len(recorder.taken), count, "somebody listens")
        self.assertFalse(self.source.is_patient)
        self.show(packets[12:14])
        self.assertGreater(len(viewer.taken), 0)
        self.transcoder.hubs["opus"].remove(viewer)
        self.assertTrue(self.source.is_patient)
        count = len(recorder.taken)
        self.show(packets[14:16])
        self.assertEqual(len(recorder.taken), count)
        self.successResultOf(self.transcoder.remove(hub, recorder, every=True))
        ends = recorder.taken[-1].pts + len(recorder.taken[-1].data) * 1_000_000 // 96_000
        self.assertLess(abs(ends - packets[16].pts), 2_000)
        self.assertEqual(len(self.source), 0)

    def test_what_was_captured_before_a_camera_was_lost_is_passed_on(self) -> None:
        packets = pcm_packets(seconds=1)
        _, recorder = self.listen("pcm_s16le", packets, PATIENT)
        self.show(packets[:4])
        self.source.clear()
        self.assertEqual(recorder.cleared, 1)
        self.assertGreaterEqual(len(recorder.taken), 3)

    def test_what_is_captured_after_a_camera_was_lost_begins_anew(self) -> None:
        self.make = ManualThread
        packets = pcm_packets(seconds=2)
        _, listener = self.listen("pcm_s16le", packets)
        self.show(packets[:10])
        self.source.clear()
        self.show(packets[70:80])
        (thread,) = self.threads
        while thread.waiting:
            thread.step()
        self.assertEqual(listener.cleared, 1)
        times = [each.pts for each in listener.taken]
        self.assertEqual(times, sorted(times))
        gap = max(after - before for before, after in pairwise(times))
        self.assertLess(abs(gap - 61 * 20_000), 25_000)
        self.assertEqual(self.transcoder.fault, None)

    def test_all_that_was_captured_before_is_passed_on_by_a_flush(self) -> None:
        packets = pcm_packets(seconds=1)
        _, preroll = self.listen("pcm_s16le", packets, PATIENT)
        self.successResultOf(self.transcoder.flush())
        self.show(packets[:3])
        self.successResultOf(self.transcoder.flush())
        self.assertGreaterEqual(len(preroll.taken), 2)

    def test_a_camera_that_is_not_live_begins_anew(self) -> None:
        packets = pcm_packets(seconds=2)
        _, listener = self.listen("opus", packets)
        self.show(packets[:50])
        self.source.clear()
        self.assertEqual(listener.cleared, 1)
        self.show(packets[70:])
        times = [each.pts for each in listener.taken]
        self.assertEqual(times, sorted(times))
        self.assertTrue(any(b - a > 300_000 for a, b in pairwise(times)))

    def test_another_number_of_channels_is_another_track(self) -> None:
        mono, stereo = pcm_packets(seconds=1), pcm_packets(channels=2, seconds=1)
        _, listener = self.listen("aac", mono)
        self.show(mono)
        for each in stereo:
            each.pts += 1_000_000
        self.show(stereo)
        self.assertEqual([each.channels for each in listener.tracks], [2])
        self.assertEqual(listener.taken[-1].track.channels, 2)

    def test_a_reason_is_logged_once(self) -> None:
        packets = encoded_packets("aac", seconds=1)
        _, listener = self.listen("opus", packets)
        for each in packets[10:]:
            each.data = bytes(160)
        self.show(packets)
        self.assertIn("cannot be decoded", self.transcoder.fault or "")
        self.assertEqual(self.transcoder.dropped, len(packets) - 10)
        self.assertGreater(len(listener.taken), 5)
