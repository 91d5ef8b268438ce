"""A camera's own H.264 goes through publishers, relays, viewers and recordings unchanged."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from client.views import View
from tests.support.films import jpeg, read_film
from tests.support.process import wait_for
from tests.support.published_video import PICTURES, PublishedCase
from tests.support.system import require
from twistedcam import Frame, connect
from twistedcam.clients.frames import parse_target
from twistedcam.clients.frames.pictures import VideoPacket
from twistedcam.clients.frames.twisted import FrameClient
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.errors import UnsupportedCodec
from twistedcam.sources.spec import parse

reactor: Any = installed_reactor
JPEG = jpeg()
DATA = [each.data for each in PICTURES]


class CodecCase(PublishedCase):
    #: True if the publisher sends JPEGs from now on.
    gives_jpeg = False

    def publish(self, number: int, time_us: int) -> None:
        if self.gives_jpeg:
            self.publisher.take(Frame(number, time_us, 160, 120, JPEG))
        else:
            super().publish(number, time_us)

    def assert_unchanged(self, frames: list[Any]) -> None:
        """The packets are those that were published, in order, from a key frame on."""
        assert frames[0].is_keyframe
        at = DATA.index(frames[0].data)
        expected = [DATA[(at + number) % len(DATA)] for number in range(len(frames))]
        assert [each.data for each in frames] == expected
        assert all(isinstance(each, VideoPacket) for each in frames)
        assert (frames[0].width, frames[0].height) == (160, 120)


class CodecTests(CodecCase):
    async def test_packets_come_unchanged_through_publisher_and_relay(self) -> None:
        relay = self.service.server.add_camera("relay", parse(self.url()))
        relay.start().addErrback(lambda _: None)
        for camera in ("cam", "relay"):
            frames = await self.watch(camera, ("h264", "mjpeg"), lambda it: len(it) > 12)
            self.assert_unchanged(frames)
        assert self.service.server.cameras["cam"].stream.codec == "h264"
        assert relay.stream.codec == "h264"
        assert self.service.server.cameras["cam"].stream.transcoding() == []

    async def test_a_client_that_names_no_codec_gets_jpeg(self) -> None:
        frames = await self.watch("cam", ("mjpeg",), lambda it: len(it) > 1)
        assert all(isinstance(each, Frame) for each in frames)
        assert frames[0].image.shape == (120, 160, 3)

    async def test_a_program_gets_packets_and_their_pictures(self) -> None:
        def read() -> list[Any]:
            found = []
            for packet in connect(self.url(), codecs=("h264", "mjpeg")):
                assert packet.image.shape == (120, 160, 3)
                found.append(packet)
                if len(found) == 12:
                    break
            return found

        self.assert_unchanged(await self.in_thread(read))

    async def test_a_codec_that_cannot_be_had_is_refused_with_both_sides_names(self) -> None:
        await self.watch("cam", ("h264",), lambda it: True)
        client = FrameClient(reactor, parse_target(self.url()), codecs=("hevc",))
        client.startService()
        failed = await self.assertFailure(client.ended, UnsupportedCodec)
        assert "gives h264" in str(failed)
        assert "this takes hevc" in str(failed)

    async def test_the_viewer_shows_and_records_packets(self) -> None:
        path = self.folder / "seen.mkv"

        def view() -> None:
            view = View(parse_target(self.url()))
            view.record(path)
            view.start(lambda: None)
            wait_for(lambda: view.take() is not None and view.meter.frames >= 0, "a picture")
            assert view.frame is not None
            assert view.frame.image.shape == (120, 160, 3)
            assert isinstance(view.frame, VideoPacket)
            recorder = view.recorder
            assert recorder is not None
            wait_for(lambda: recorder.result.frames > 10, "frames in the file")
            view.close()

        await self.in_thread(view)
        film = read_film(path)
        assert film.codec == "h264"
        assert len(film.times) > 10


class WorkerTests(CodecCase):
    workers = 1

    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        super().setUp()

    async def test_a_worker_delivers_packets_unchanged_and_another_codec_after_them(self) -> None:
        delivery = self.service.server.delivery
        while not delivery.workers:
            await deferLater(reactor, 0.01)
        states: list[str | None] = []
        client = FrameClient(reactor, parse_target(self.url()), codecs=("h264", "mjpeg"))
        client.on_state = lambda state: states.append(state.codec)
        frames: list[Any] = []
        enough: Deferred[None] = Deferred()

        def on_frame(frame: Any) -> None:
            frames.append(frame)
            if isinstance(frame, Frame) and not enough.called:
                enough.callback(None)
            elif len(frames) > 12:
                self.gives_jpeg = True

        client.on_frame = on_frame
        client.startService()
        self.addCleanup(client.stopService)
        await enough
        packets = [each for each in frames if isinstance(each, VideoPacket)]
        self.assert_unchanged(packets)
        assert len(packets) > 12
        assert frames[len(packets)].jpeg == JPEG
        assert states[-1] == "mjpeg"
        assert "h264" in states
        [viewer] = self.service.server.viewers
        assert viewer.path == "sendfile"
