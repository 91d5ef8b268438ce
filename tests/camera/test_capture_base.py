"""Packets and pictures on their way from a source, by a thread that reads."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import FakeSource, ManualThread
from twistedcam.camera.capture import Capture
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.media.track import AUDIO, VIDEO, Track
from twistedcam.sources.base import RawPacket, RawPicture


class CaptureBaseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.packets: list[RawPacket] = []
        self.corrupt: list[str] = []
        self.source, self.thread, self.clock = FakeSource(), ManualThread(), Clock()
        Capture(self.source, JpegEncoder(), self.thread, self.clock, self).begin()  # type: ignore
        self.step()

    def step(self) -> None:
        self.thread.step()
        self.clock.advance(0)

    def on_opened(self, granted: Any) -> None:
        """The source is open."""

    def on_packet(self, raw: RawPacket) -> None:
        self.packets.append(raw)

    def on_corrupt(self, reason: str) -> None:
        self.corrupt.append(reason)

    def test_packets_of_all_kinds_pass_as_they_are(self) -> None:
        video = RawPacket(Track(VIDEO, "video", "h264", 64, 48), 1.0, b"video", True, 40_000)
        sound = RawPacket(Track(AUDIO, "audio", "aac", channels=2), 1.1, b"sound")
        self.source.script = [video, sound]
        self.step()
        self.step()
        self.assertEqual(self.packets, [video, sound])

    def test_what_the_encoder_cannot_use_is_corrupt(self) -> None:
        self.source.script = [RawPicture(1.0, jpeg=b"no picture")]
        self.step()
        self.assertEqual(len(self.corrupt), 1)
