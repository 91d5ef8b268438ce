"""GStreamer's RTSP server as the camera: each codec, new sizes, UDP, its end and return."""

from __future__ import annotations

import itertools
import re
import signal
import threading
from collections.abc import Iterator
from typing import Any

import av
import pytest
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.fakecam import jpeg_size
from tests.sources.rtsp.test_transport import reactor_turns
from tests.support.process import PATIENCE
from tests.support.rtsp_camera import Listener, started
from tests.support.source_peers import USER, Peer, rtsp
from twistedcam.errors import LoginRefused
from twistedcam.media.nal import split_units
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.sources.base import LOGIN_REFUSED, RawPacket, RawPicture
from twistedcam.sources.rtsp import source as module

reactor: Any = installed
_cameras: list[Peer] = []


@pytest.fixture(scope="module", autouse=True)
def _camera() -> Iterator[None]:
    """One server for all tests."""
    with rtsp() as peer:
        _cameras.append(peer)
        yield
        _cameras.clear()


def decoded(packets: list[RawPacket]) -> list[Any]:
    """The pictures or sounds of packets, by FFmpeg's decoders."""
    track = packets[0].track
    coder: Any = av.CodecContext.create(track.codec, "r")
    if track.kind == "audio":
        coder.extradata = track.extradata or None
        coder.sample_rate = int(track.rate or 0)
        coder.layout = "mono" if track.channels == 1 else "stereo"
    found = []
    for each in packets:
        found += coder.decode(av.Packet(each.data))
    return [*found, *coder.decode(None)]


def slices(data: bytes, codec: str) -> list[bytes]:
    """The slices of an access unit."""
    kind = NAL_CODECS[codec]
    return [unit for unit in split_units(data) if kind.unit_type(unit) in kind.slice_types]


class CameraTests(TestCase):
    timeout = 5 * PATIENCE

    def start(self, path: str, *options: str) -> Listener:
        source, listener = started(_cameras[0].address("rtsp", path), *options)
        self.addCleanup(source.stop)
        return listener

    async def test_each_codec_comes_whole(self) -> None:
        videos = dict.fromkeys(("/h264", "/slices", "/bframes"), "h264")
        videos["/h265"] = "hevc"
        found = {path: self.start(path) for path in videos}
        for path, codec in videos.items():
            listener = found[path]
            await listener.until(lambda it=listener: len(it.packets) >= 20)
            packets = listener.packets
            self.assertTrue(packets[0].is_keyframe, path)
            self.assertEqual({each.track.codec for each in packets}, {codec})
            pictures = decoded(packets)
            self.assertEqual(len(pictures), len(packets), path)
            self.assertEqual({(each.width, each.height) for each in pictures}, {(320, 240)})
            self.assertFalse(any(each.is_corrupt for each in pictures))
            self.assertEqual(listener.corrupt, [], path)
            shown = sorted(each.time for each in packets)
            decode = [each.time - each.reorder_us / 1e6 for each in packets]
            self.assertEqual(decode, sorted(decode), path)
            self.assertEqual(len(set(shown)), len(shown))
            is_reordered = [each.time for each in packets] != shown
            self.assertEqual(is_reordered, path == "/bframes")
        parts = [slices(each.data, "h264") for each in found["/slices"].packets]
        self.assertEqual(len({len(each) for each in parts}), 1)
        self.assertGreater(len(parts[0]), 1)

    async def test_sound_comes_beside_the_video(self) -> None:
        codecs = {
            "/aac": ("aac", 48000),
            "/opus": ("opus", 48000),
            "/alaw": ("pcm_alaw", 8000),
            "/ulaw": ("pcm_mulaw", 8000),
        }
        found = {path: self.start(path) for path in codecs}
        for path, (codec, rate) in codecs.items():
            listener = found[path]
            await listener.until(lambda it=listener: len(it.sounds) > 7 and it.packets)
            sounds = decoded(listener.sounds)
            self.assertEqual((listener.sounds[0].track.codec, sounds[0].sample_rate), (codec, rate))
            self.assertGreater(abs(sounds[-1].to_ndarray()).max(), 0, "it is not silent")
            times = [each.time for each in listener.sounds]
            self.assertEqual(times, sorted(times))

    async def test_jpegs_are_pictures(self) -> None:
        listener = self.start("/jpeg")
        await listener.until(lambda: len(listener.raws) >= 3)
        for each in listener.raws:
            assert isinstance(each, RawPicture)
            assert each.jpeg is not None
            self.assertEqual(jpeg_size(each.jpeg), (320, 240))
        self.assertEqual(listener.corrupt, [])

    async def test_a_new_size_is_a_new_track_on_the_same_connection(self) -> None:
        listener = self.start("/sizes")
        await listener.until(lambda: len({it.track.width for it in listener.packets}) == 2)
        for width, group in itertools.groupby(listener.packets, lambda it: it.track.width):
            packets = list(group)
            self.assertTrue(packets[0].is_keyframe)
            self.assertEqual({each.width for each in decoded(packets)}, {width})
        self.assertIsNone(listener.error)

    async def test_over_udp_packets_come_too(self) -> None:
        listener = self.start("/h264", "udp")
        await listener.until(lambda: len(listener.packets) >= 10)
        self.assertEqual(len(decoded(listener.packets)), len(listener.packets))

    async def test_slices_are_those_that_another_reader_gets(self) -> None:
        # FFmpeg asks for a range, which makes the server begin anew: it must come first.
        has_begun: Deferred[None] = Deferred()
        enough = threading.Event()
        url = _cameras[0].address("rtsp", "/h264")
        reading = deferToThread(_read_by_ffmpeg, url, has_begun, enough)
        await has_begun
        listener = self.start("/h264")
        await listener.until(lambda: len(listener.packets) > 12)
        mine = [slices(each.data, "h264") for each in listener.packets]
        enough.set()
        theirs = [slices(each, "h264") for each in await reading]
        start = theirs.index(mine[0])
        both = min(len(mine), len(theirs) - start)
        self.assertGreater(both, 10)
        self.assertEqual(mine[:both], theirs[start : start + both])

    async def test_a_wrong_password_is_refused(self) -> None:
        url = f"rtsp://{USER}:wr0ng@127.0.0.1:{_cameras[0].port}/h264"
        source, listener = started(url)
        self.addCleanup(source.stop)
        await listener.failed()
        self.assertIsInstance(listener.error, LoginRefused)
        self.assertEqual(str(listener.error), LOGIN_REFUSED)

    async def test_a_path_that_is_not_there_is_named(self) -> None:
        listener = self.start("/other")
        await listener.failed()
        assert re.search(r"no stream at this path \(404\)", str(listener.error))

    async def test_a_frozen_camera_is_noticed_and_one_that_is_back_is_seen(self) -> None:
        self.patch(module, "TIMEOUT", 1.0)
        peer = rtsp()
        peer.start()
        self.addCleanup(peer.kill)
        source, listener = started(peer.address("rtsp", "/h264"))
        await listener.until(lambda: listener.packets)
        assert peer.process is not None
        peer.process.send_signal(signal.SIGSTOP)
        await listener.failed()
        self.assertIn("nothing came for 1 s", str(listener.error))
        await source.stop()
        peer.kill()
        source, listener = started(peer.address("rtsp", "/h264"))
        await listener.failed()
        self.assertIn("Connection refused", str(listener.error))
        peer.start()
        await reactor_turns(lambda: source.device_signature() is not None)
        await source.stop()
        source, listener = started(peer.address("rtsp", "/h264"))
        await listener.until(lambda: listener.packets)
        await source.stop()


def _read_by_ffmpeg(url: str, has_begun: Deferred[None], enough: threading.Event) -> list[bytes]:
    found: list[bytes] = []
    options = {"rtsp_transport": "tcp", "analyzeduration": "200000"}
    with av.open(url, options=options) as container:
        for packet in container.demux(container.streams.video[0]):
            if not found:
                reactor.callFromThread(has_begun.callback, None)
            found.append(bytes(packet))
            if enough.is_set():
                break
    return found
