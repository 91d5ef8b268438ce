"""A capture of a source that delivers on the reactor's thread."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import ManualThread
from tests.support.films import jpeg
from twistedcam.camera.capture_base import CLOSE_TIMEOUT, OPEN_TIMEOUT, STALL_SECONDS
from twistedcam.camera.reactor_capture import ReactorCapture
from twistedcam.codecs.jpeg_encoder import EncodedPicture, JpegEncoder
from twistedcam.errors import CameraFailed
from twistedcam.media.track import AUDIO, VIDEO, Track
from twistedcam.sources.base import RawPacket, RawPicture, SourceInfo

H264 = Track(VIDEO, "video", "h264", 160, 120)
OPUS = Track(AUDIO, "audio", "opus", channels=1)


class FakeReactorSource:
    def __init__(self) -> None:
        self.listener: Any = None
        self.stopped: Deferred[None] = Deferred()

    def start(self, listener: Any) -> None:
        self.listener = listener

    def stop(self) -> Deferred[None]:
        return self.stopped


class ReactorCaptureTests(SynchronousTestCase):
    """``heard`` has what the listener was called with."""

    def setUp(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.clock, self.thread, self.source = Clock(), ManualThread(), FakeReactorSource()
        self.capture = ReactorCapture(
            self.source,
            JpegEncoder(),
            self.thread,
            self.clock,
            self,  # type: ignore[arg-type]
        )
        self.capture.begin()

    def on_opened(self, granted: SourceInfo) -> None:
        self.heard.append(("opened", granted.detail))

    def on_picture(self, picture: EncodedPicture) -> None:
        self.heard.append(("picture", picture.time_us))

    def on_packet(self, raw: RawPacket) -> None:
        self.heard.append(("packet", raw.track.codec, raw.data))

    def on_corrupt(self, reason: str) -> None:
        self.heard.append(("corrupt", reason))

    def on_sound_fault(self, reason: str) -> None:
        self.heard.append(("sound fault", reason))

    def on_paused(self, reason: str, stalled: bool = False) -> None:
        self.heard.append(("paused", reason))

    def on_failed(self, error: CameraFailed) -> None:
        self.heard.append(("failed", str(error)))

    def open(self, steady: bool = False) -> None:
        self.source.listener.on_opened(SourceInfo(detail="cam", steady=steady))

    def test_packets_pass_at_once(self) -> None:
        self.open()
        self.source.listener.on_raw(RawPacket(H264, 1.0, b"one"))
        self.source.listener.on_raw(RawPacket(OPUS, 1.0, b"sound"))
        self.source.listener.on_corrupt("a packet was lost")
        self.source.listener.on_sound_fault("it is no AAC")
        self.assertEqual(
            self.heard,
            [
                ("opened", "cam"),
                ("packet", "h264", b"one"),
                ("packet", "opus", b"sound"),
                ("corrupt", "a packet was lost"),
                ("sound fault", "it is no AAC"),
            ],
        )

    def test_pictures_are_finished_in_the_thread_and_the_newest_waits(self) -> None:
        self.open()
        for second in (1, 2, 3):
            self.source.listener.on_raw(RawPicture(second, jpeg=jpeg()))
        self.thread.step()
        self.thread.step()
        times = [each[1] for each in self.heard if each[0] == "picture"]
        self.assertEqual(times, [1_000_000, 3_000_000])

    def test_silence_is_a_stall_and_sound_is_none_of_a_picture(self) -> None:
        self.open(steady=True)
        self.source.listener.on_raw(RawPacket(H264, 1.0, b"one"))
        self.clock.advance(STALL_SECONDS - 0.1)
        self.source.listener.on_raw(RawPacket(OPUS, 1.0, b"sound"))
        self.clock.advance(0.2)
        self.assertEqual(self.heard[-1], ("failed", "no picture for 2 s"))

    def test_one_that_does_not_open_in_time_has_failed(self) -> None:
        self.clock.advance(OPEN_TIMEOUT)
        self.assertEqual([each[0] for each in self.heard], ["failed"])

    def test_its_own_error_is_told(self) -> None:
        self.source.listener.on_failed(CameraFailed("refused"))
        self.assertEqual(self.heard, [("failed", "refused")])

    def test_after_the_end_nothing_is_told(self) -> None:
        self.open()
        closed = self.capture.end()
        self.source.listener.on_raw(RawPacket(H264, 1.0, b"late"))
        self.assertNoResult(closed)
        self.source.stopped.callback(None)
        self.successResultOf(closed)
        self.assertEqual((self.heard, self.thread.ended), ([("opened", "cam")], True))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_source_that_does_not_stop_is_abandoned(self) -> None:
        closed = self.capture.end()
        self.clock.advance(CLOSE_TIMEOUT)
        self.successResultOf(closed)
        self.assertFalse(self.capture.released.called)
        self.source.stopped.callback(None)
        self.assertTrue(self.capture.released.called)
