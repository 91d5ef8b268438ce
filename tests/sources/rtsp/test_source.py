"""The source: packets as they are sent, their times, silence, return, TLS."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as installed
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.sources.rtsp.test_transport import reactor_turns
from tests.support.ports import free_port
from tests.support.process import PATIENCE
from tests.support.rtsp_camera import (
    ALAW,
    IDR,
    LARGE_SPS,
    LOGIN,
    PERIOD,
    PPS,
    SLICE,
    SPS,
    VIDEO,
    Listener,
    RtspCamera,
    annexb,
    started,
)
from tests.support.tls_server import make
from twistedcam.errors import BadArgument
from twistedcam.rtsp.messages import InterleavedFrame
from twistedcam.rtsp.rtcp import RtcpBye
from twistedcam.rtsp.sdp import MediaDescription, MediaFormat
from twistedcam.sources.base import ReactorSource, Reappearing, SourceInfo
from twistedcam.sources.ffmpeg import FfmpegSource
from twistedcam.sources.rtsp import source as module
from twistedcam.sources.rtsp.read_gathering import MOST_SECONDS
from twistedcam.sources.rtsp.source import RtspSource
from twistedcam.sources.spec import Settings, parse

reactor: Any = installed


def made(text: str) -> Any:
    spec = parse(text)
    settings = Settings(spec)
    source = RtspSource.from_settings(spec, settings)
    settings.refuse_unknown()
    return source


def test_the_settings_choose_the_reader_and_the_transport() -> None:
    source = made("rtsp://me:it@h/cam#transport=udp")
    assert isinstance(source, RtspSource)
    assert isinstance(source, ReactorSource)
    assert isinstance(source, Reappearing)
    assert source._transport == "udp"
    assert made("rtsps://h/cam#verify=0")._verify is False
    other = made("rtsp://h/cam#reader=ffmpeg&transport=udp")
    assert isinstance(other, FfmpegSource)
    assert other.transport == "udp"


@pytest.mark.parametrize(
    "text",
    ["rtsp:", "rtsp://h/#transport=sctp", "rtsp://h/#reader=x", "rtsp://h/#x=1", "rtsp://h:x/"],
)
def test_what_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        made(text)


class SourceTests(TestCase):
    timeout = 5 * PATIENCE

    def camera(self, *media: MediaDescription, **options: Any) -> RtspCamera:
        found = RtspCamera(*media, **options)
        found.listen()
        self.addCleanup(lambda: Deferred.fromCoroutine(found.close()))
        return found

    async def playing(
        self, camera: RtspCamera, *options: Any, login: str = ""
    ) -> tuple[Any, Listener]:
        played = camera.requested("PLAY")
        source, listener = started(camera.url(login), *options)
        self.addCleanup(source.stop)
        client = await played
        client.source = source
        return client, listener

    async def test_packets_come_as_they_were_sent(self) -> None:
        camera = self.camera(VIDEO, ALAW, schemes=("MD5",))
        client, listener = await self.playing(camera, login=LOGIN)
        client.send(0, 0, SLICE)  # before any key frame
        client.send(0, PERIOD, IDR)
        client.send(1, 0, b"\xd5" * 160)
        client.send(0, 2 * PERIOD, SLICE)
        client.send(0, 3 * PERIOD, LARGE_SPS, marker=False)
        client.send(0, 3 * PERIOD, PPS, marker=False)
        client.send(0, 3 * PERIOD, IDR)
        await listener.until(lambda: len(listener.raws) == 4)
        name = f"127.0.0.1:{camera.port}"
        (sound,) = listener.sounds
        expected = SourceInfo(320, 240, 25.0, "h264", name, steady=False, sound=sound.track)
        self.assertEqual(listener.info, expected)
        self.assertEqual(
            [(each.data, each.is_keyframe, each.track.width) for each in listener.packets],
            [
                (annexb(SPS, PPS, IDR), True, 320),
                (annexb(SLICE), False, 320),
                (annexb(LARGE_SPS, PPS, IDR), True, 640),
            ],
        )
        self.assertEqual(
            (sound.track.id, sound.track.codec, sound.data), (1, "pcm_alaw", b"\xd5" * 160)
        )
        self.assertEqual(listener.corrupt, [])

    async def test_packets_gather_and_are_collected_in_their_order(self) -> None:
        client, listener = await self.playing(self.camera())
        source = client.source
        client.send(0, 0, IDR)
        await listener.until(lambda: listener.packets)
        self.assertEqual(source.gather(True), MOST_SECONDS)
        for number in range(1, 4):
            client.send(0, number * PERIOD, SLICE)
        await listener.until(lambda: len(listener.packets) == 4)  # the next round
        receiver = source._video.receiver
        self.assertEqual(receiver.reception.jitter, 0.0, "it is not known")
        await reactor_turns(lambda: not source._session.connection._is_decoding)
        raw = socket.socket(fileno=os.dup(client.transport.getHandle().fileno()))
        self.addCleanup(raw.close)
        raw.sendall(InterleavedFrame(0, client.packet(0, 4 * PERIOD, SLICE)).encode())
        source.collect()
        self.assertEqual(len(listener.packets), 5)
        self.assertEqual(source.gather(False), 0.0)
        client.send(0, 5 * PERIOD, SLICE)
        await listener.until(lambda: len(listener.packets) == 6)
        self.assertEqual(listener.corrupt, [])

    async def test_the_end_is_noticed_while_packets_gather(self) -> None:
        client, listener = await self.playing(self.camera())
        client.send(0, 0, IDR)
        await listener.until(lambda: listener.packets)
        client.source.gather(True)
        client.send(0, PERIOD, SLICE)
        client.transport.loseConnection()
        await listener.failed()
        self.assertEqual(len(listener.packets), 2)
        self.assertEqual(client.source.gather(True), 0.0)
        client.source.collect()

    async def test_packets_over_udp_and_motion_jpeg_never_gather(self) -> None:
        client, listener = await self.playing(self.camera(), "udp")
        client.send(0, 0, IDR)
        await listener.until(lambda: listener.packets)
        self.assertEqual(client.source.gather(True), 0.0)
        form = MediaFormat(26, "JPEG", 90000)
        jpeg = MediaDescription("video", (form,), attributes=(("control", "video"),))
        client, listener = await self.playing(self.camera(jpeg))
        await listener.until(lambda: listener.info)
        self.assertEqual(client.source.gather(True), 0.0)

    async def test_a_loss_is_one_fault_and_the_stream_goes_on_with_a_key_frame(self) -> None:
        client, listener = await self.playing(self.camera())
        client.send(0, 0, IDR)
        client.skip()
        for number in range(1, 4):
            client.send(0, number * PERIOD, b"\x41\x20rest")
        client.transport.write(b"garbage on the line")
        client.send(0, 4 * PERIOD, IDR)
        await listener.until(lambda: len(listener.packets) == 2)
        self.assertEqual(listener.corrupt, ["packets were lost"])
        self.assertIsNone(listener.error)

    async def test_times_are_the_camera_s_by_its_sender_reports(self) -> None:
        client, listener = await self.playing(self.camera())
        begin = time.time() - 0.3
        client.report(0, 0, begin)
        client.send(0, 0, IDR)
        for number in range(1, 7):
            client.send(0, number * PERIOD, SLICE)
        await listener.until(lambda: len(listener.packets) == 7)
        times = [each.time for each in listener.packets]
        for number, found in enumerate(times):
            self.assertLess(abs(found - begin - number * 0.04), 0.001)
        self.assertTrue(all(b > a for a, b in itertools.pairwise(times)))

    async def test_silence_is_a_failure_though_sound_goes_on(self) -> None:
        self.patch(module, "TIMEOUT", 0.2)
        client, listener = await self.playing(self.camera(VIDEO, ALAW))
        client.send(0, 0, IDR)
        sound = [0]

        def more() -> bool:
            sound[0] += 160
            client.send(1, sound[0], b"\xd5" * 160)
            return listener.error is not None

        await reactor_turns(more)
        self.assertIn("nothing came for 0.2 s", str(listener.error))
        self.assertNotIn("udp", str(listener.error))

    async def test_the_end_of_the_video_is_a_failure_and_that_of_the_sound_is_none(self) -> None:
        client, listener = await self.playing(self.camera(VIDEO, ALAW))
        client.send(0, 0, IDR)
        client.send(1, 0, b"\xd5" * 160)
        await listener.until(lambda: listener.packets and listener.sounds)
        client.transport.write(InterleavedFrame(3, RtcpBye((8,)).encode()).encode())
        client.send(0, PERIOD, SLICE)
        await listener.until(lambda: len(listener.packets) == 2)
        self.assertIsNone(listener.error)
        client.transport.write(InterleavedFrame(1, RtcpBye((7,)).encode()).encode())
        await listener.failed()
        self.assertIn("has ended the stream", str(listener.error))

    async def test_silence_over_udp_has_advice(self) -> None:
        self.patch(module, "TIMEOUT", 0.1)
        _, listener = await self.playing(self.camera(), "udp")
        await listener.failed()
        self.assertIn("remove #transport=udp", str(listener.error))

    async def test_a_camera_that_cannot_be_reached_is_seen_when_it_is_back(self) -> None:
        port = free_port()
        source, listener = started(f"rtsp://127.0.0.1:{port}/cam")
        self.assertIsNone(source.device_signature())
        await listener.failed()
        self.assertIsNone(source.device_signature())
        await reactor_turns(lambda: source._probe is None)
        camera = RtspCamera()
        camera.listen(port)
        self.addCleanup(lambda: Deferred.fromCoroutine(camera.close()))
        await reactor_turns(lambda: source.device_signature() is not None)
        await source.stop()
        await reactor_turns(lambda: not camera.clients)

    async def test_a_camera_that_refuses_is_not_tried_at_once(self) -> None:
        camera = self.camera(schemes=("MD5",))
        source, listener = started(camera.url())
        self.addCleanup(source.stop)
        await listener.failed()
        self.assertIsNone(source.device_signature())
        self.assertIsNone(source._probe)

    async def test_a_stop_closes_the_udp_ports_and_delivers_no_more(self) -> None:
        camera = self.camera()
        played = camera.requested("PLAY")
        source, listener = started(camera.url(), "udp")
        client = await played
        ended = camera.requested("TEARDOWN")
        await source.stop()
        await ended
        client.send(0, 0, IDR)
        self.assertEqual(listener.raws, [])
        self.assertIsNone(listener.error)

    async def test_a_certificate_is_checked_unless_the_address_says_not_to(self) -> None:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        make(folder)
        pem = (folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes()
        camera = self.camera(context=ssl.PrivateCertificate.loadPEM(pem).options())
        source, listener = started(camera.url(scheme="rtsps"))
        self.addCleanup(source.stop)
        await listener.failed()
        self.assertIn("certificate is not trusted: add #verify=0", str(listener.error))
        played = camera.requested("PLAY")
        source, listener = started(camera.url(scheme="rtsps"), "tcp", False)
        self.addCleanup(source.stop)
        (await played).send(0, 0, IDR)
        await listener.until(lambda: listener.packets)
