"""Sound goes through publishers, relays and viewers of the frame port unchanged."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as installed_reactor

from tests.support.published_video import PICTURES, PublishedCase
from twistedcam import connect
from twistedcam.clients.frames.pictures import VideoPacket
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.sources.spec import parse

reactor: Any = installed_reactor
OPUS = sound_track("opus", opus_head(1))
AAC = sound_track("aac", b"\x14\x08")


class SoundTests(PublishedCase):
    """The publisher sends sound, too."""

    #: The track of the sound that is published from now on.
    track = OPUS

    def publish(self, number: int, time_us: int) -> None:
        super().publish(number, time_us)
        sound = Packet(self.track, number, time_us + 5_000, 0, b"sound %d" % number)
        self.publisher.take(sound)

    async def test_sound_comes_unchanged_through_publisher_and_relay(self) -> None:
        relay = self.service.server.add_camera("relay", parse(self.url()))
        relay.start().addErrback(lambda _: None)

        def enough(found: list[Any]) -> bool:
            return sum(each.track.kind == "audio" for each in found) > 8

        for camera in ("cam", "relay"):
            found = await self.watch(camera, ("h264", "aac", "opus"), enough)
            sounds = [each for each in found if each.track.kind == "audio"]
            numbers = [int(each.data.split()[1]) for each in sounds]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert {each.track for each in sounds} == {OPUS}
            times = [each.time_us - PICTURES[0].time_us for each in sounds]
            assert times == [number * 40_000 + 5_000 for number in numbers]
            assert all(isinstance(each, VideoPacket) for each in found if each not in sounds)

    async def test_another_codec_is_announced_and_a_listener_needs_no_pictures(self) -> None:
        both = self.watch(
            "cam", ("opus", "aac"), lambda it: it[-1].track == AAC and it[0].track == OPUS
        )
        only = self.watch("cam", ("opus",), lambda it: len(it) > 5)
        await only
        self.track = AAC
        found = await both
        assert all(each.track.kind == "audio" for each in found)
        assert not self.service.server.cameras["cam"].stream.h264_transcoders

    async def test_a_viewer_that_asks_for_no_sound_gets_none(self) -> None:
        found = await self.watch("cam", ("h264",), lambda it: len(it) > 20)
        assert all(isinstance(each, VideoPacket) for each in found)
        assert not len(self.service.server.cameras["cam"].stream.sound)

    async def test_a_program_gets_packets_of_both_tracks(self) -> None:
        def read() -> list[Any]:
            found: list[Any] = []
            for packet in connect(self.url(), codecs=("h264", "opus")):
                found.append(packet)
                if found[-1].track == OPUS and any(each.track != OPUS for each in found):
                    break
            return found

        found = await self.in_thread(read)
        assert isinstance(found[0], VideoPacket)
        assert found[-1].data.startswith(b"sound ")
