"""A camera's sound: its own where that will do, else what is made of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread, PacketKeeper
from tests.support.films import START_US as FILM_US
from tests.support.films import frame
from tests.support.sound import START_US as SOUND_US
from tests.support.sound import click_times, encoded_packets, pcm_packets
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.events import EventBus
from twistedcam.media.packet import Packet
from twistedcam.stream.stream import Stream, Subscription
from twistedcam.stream.wants import Wants


class CameraSoundTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.demands: list[bool] = []
        encoder = JpegEncoder()
        make: Any = InlineThread
        self.stream = Stream("cam", None, make, EventBus(), lambda: encoder, lambda: 0.0)
        self.stream.publish(frame(0))
        self.stream.on_demand = self.demands.append

    def subscribe(self, *codecs: str, **more: Any) -> tuple[PacketKeeper, Subscription]:
        listener = PacketKeeper()
        return listener, self.stream.subscribe(listener, Wants(codecs, kind="audio", **more))

    def show(self, packets: list[Packet]) -> None:
        for each in packets:
            self.stream.publish(each)

    def test_sinks_know_of_sound_that_is_expected(self) -> None:
        packets = encoded_packets("opus", seconds=1)
        native, _ = self.subscribe("opus")
        made, subscription = self.subscribe("aac")
        self.stream.audio.expect(packets[0].track)
        self.stream.audio.expect(packets[0].track)
        self.assertEqual(native.tracks, [packets[0].track])
        self.assertEqual([each.codec for each in made.tracks], ["aac"])
        self.show(packets[:2])
        self.assertEqual((len(native.tracks), len(made.tracks)), (1, 1))
        self.assertEqual(native.taken, packets[:2])
        subscription.close()

    def test_the_camera_s_own_packets_pass_untouched(self) -> None:
        packets = encoded_packets("opus", seconds=1)
        listener, subscription = self.subscribe("aac", "opus")
        self.show(packets)
        self.assertEqual(listener.taken, packets)
        self.assertEqual(self.stream.transcoding(), [])
        self.assertEqual(subscription.dropped, 0)

    def test_opus_of_more_than_two_channels_is_made_anew(self) -> None:
        """RTP has no place for its several streams in a packet, nor is there silence of them."""
        packets = encoded_packets("opus", seconds=1, channels=6)
        self.show(packets[:1])
        opus, _ = self.subscribe("opus")
        self.show(packets[1:])
        self.assertEqual({each.track.channels for each in opus.taken}, {2})
        self.assertEqual(self.stream.transcoding(), [("opus", "opus", 1)])
        self.assertEqual(opus.tracks[0].channels, 2)

    def test_other_codecs_are_made_of_them(self) -> None:
        packets = pcm_packets(8_000, codec="pcm_alaw", seconds=1, start_us=FILM_US)
        self.show(packets[:1])
        aac, subscription = self.subscribe("aac", "opus")
        samples, _ = self.subscribe("pcm_s16le")
        self.assertEqual(aac.tracks[0].codec, "aac", "it is known before the first packet")
        self.assertEqual(subscription.track, aac.tracks[0])
        self.show(packets[1:])
        self.assertEqual({each.track.codec for each in aac.taken}, {"aac"})
        self.assertEqual({each.track.codec for each in samples.taken}, {"pcm_s16le"})
        made = [("pcm_alaw", "aac", 1), ("pcm_alaw", "pcm_s16le", 1)]
        self.assertEqual(self.stream.transcoding(), made)
        subscription.close()
        self.assertEqual(self.stream.transcoding(), made[1:])
        self.assertEqual(self.demands, [True])

    def test_sinks_move_when_the_camera_has_another_codec(self) -> None:
        listener, _ = self.subscribe("aac")
        both, _ = self.subscribe("aac", "opus")
        aac, opus = encoded_packets("aac", seconds=1), encoded_packets("opus", seconds=1)
        self.show(aac)
        for each in opus:
            each.time_us += 2_000_000
        self.show(opus)
        self.assertEqual({each.track.codec for each in listener.taken}, {"aac"})
        self.assertEqual(listener.tracks, [aac[0].track, listener.taken[-1].track])
        self.assertEqual([each.codec for each in both.tracks], ["aac", "opus"])
        self.assertEqual(both.taken, [*aac, *opus])

    def test_what_cannot_be_made_is_not_given(self) -> None:
        listener, subscription = self.subscribe("mp3")
        self.show(pcm_packets(seconds=1))
        self.assertEqual((listener.taken, subscription.hub), ([], None))

    def test_one_who_closes_gets_no_more(self) -> None:
        packets = pcm_packets(seconds=1)
        self.show(packets[:1])
        listener, subscription = self.subscribe("opus", every=True)
        self.show(packets[1:25])
        self.successResultOf(subscription.close())
        count = len(listener.taken)
        self.show(packets[25:])
        self.assertEqual(len(listener.taken), count)
        self.assertEqual(self.demands, [True, False])

    def test_times_that_cannot_be_right_hold_nothing_up(self) -> None:
        listener, _ = self.subscribe("pcm_s16le")
        packets = pcm_packets(seconds=1, start_us=FILM_US)
        packets[10].time_us += 3_600_000_000
        self.show(packets[:11])
        self.assertEqual(listener.taken, packets[:10])
        self.assertIn("in the future", self.stream.audio.fault or "")
        self.show(packets[11:])
        self.assertEqual(listener.taken[10:], packets[11:])
        self.assertIsNone(self.stream.audio.fault)
        self.show(pcm_packets(seconds=1, start_us=FILM_US))  # the clock was set back
        times = [each.pts - FILM_US for each in listener.taken]
        self.assertEqual(times, sorted(times))
        self.assertEqual(sum(time > 400_000 for time in times), 29 + 26)

    def since(self, time: int, codec: str, newest: Packet) -> list[Packet]:
        """What a new listener gets that begins earlier than now, when one more packet comes."""
        missed = self.stream.audio.since(time, (codec,))
        listener, _ = self.subscribe(codec)
        self.show([newest])
        return missed + listener.taken

    def test_who_begins_earlier_gets_the_sound_of_that_time(self) -> None:
        packets = pcm_packets(seconds=2, start_us=FILM_US)
        self.show(packets[:-4])
        begin = packets[50].pts - 300_000
        self.assertEqual(self.since(begin, "pcm_s16le", packets[-4]), packets[35:-3])
        # The first listener, a second one, and one of another codec.
        for codec, newest in zip(("opus", "opus", "aac"), packets[-3:], strict=True):
            found = self.since(begin, codec, newest)
            self.assertEqual({each.track.codec for each in found}, {codec})
            self.assertLess(0, found[0].pts - begin + 1)
            self.assertLess(found[0].pts - begin, 25_000)
            steps = {after.pts - before.pts for before, after in pairwise(found)}
            self.assertLess(max(steps), 22_000)
            self.assertGreater(found[-1].pts, newest.pts - 70_000)
            shift = packets[0].pts - SOUND_US
            clicks = [round(at - shift / 1e6, 2) for at in click_times(found)]
            self.assertEqual(clicks, [1.0])

    def test_who_comes_later_than_announced_begins_with_the_present(self) -> None:
        packets = pcm_packets(seconds=3, start_us=FILM_US)
        self.show(packets[:50])
        self.assertEqual(self.stream.audio.since(packets[0].pts, ("aac",)), [])
        self.show(packets[50:-1])
        aac, _ = self.subscribe("aac")
        self.show(packets[-1:])
        self.assertLess(len(aac.taken), 3)

    def test_who_comes_after_mute_does_not_get_what_was_before(self) -> None:
        packets = pcm_packets(seconds=1, start_us=FILM_US)
        self.show(packets[:40])
        self.stream.audio.is_muted = True
        self.show(packets[40:-3])
        codecs = "pcm_s16le", "aac", "aac"
        for codec, newest in zip(codecs, packets[-3:], strict=True):
            found = self.since(packets[0].pts, codec, newest)
            self.assertGreaterEqual(found[0].pts, packets[39].pts)
            self.assertEqual(click_times(found), [])
