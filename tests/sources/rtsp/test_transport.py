"""Transports: channels and ports, and packets from the camera's address alone."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.rtsp_camera import (
    ALAW,
    IDR,
    PERIOD,
    SLICE,
    VIDEO,
    Listener,
    RtspCamera,
    started,
)
from twistedcam.errors import CameraFailed
from twistedcam.rtsp.messages import InterleavedFrame, RtspHeaders, RtspRequest, RtspResponse
from twistedcam.rtsp.rtcp import ReceiverReport, SourceDescription, parse_rtcp
from twistedcam.rtsp.sdp import SessionDescription
from twistedcam.sources.rtsp import session
from twistedcam.sources.rtsp.transport import UdpTransport

reactor: Any = installed


class TransportTests(TestCase):
    timeout = 5 * PATIENCE

    def setUp(self) -> None:
        self.made = RtspCamera()
        self.made.listen()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.made.close()))

    def start(self, transport: str) -> Listener:
        self.source, listener = started(self.made.url(), transport)
        self.addCleanup(self.source.stop)
        return listener

    def answer_set_up(self, transport: str) -> None:
        def answer(_: RtspRequest) -> RtspResponse:
            fields = [("Session", "1"), ("Transport", transport)]
            return RtspResponse(200, RtspHeaders(fields))

        self.made.answers["SETUP"] = answer

    async def test_other_channels_than_requested_are_used(self) -> None:
        self.answer_set_up("RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=00000007")
        played = self.made.requested("PLAY")
        listener = self.start("tcp")
        client = await played
        client.transport.write(b"$\4\0" + bytes([len(packet := client.packet(0, 0, IDR))]) + packet)
        await listener.until(lambda: listener.packets)

    async def test_tracks_whose_channels_the_camera_exchanges_are_received(self) -> None:
        self.made.description = SessionDescription((VIDEO, ALAW), attributes=(("control", "*"),))
        asked: list[str] = []

        def answer(request: RtspRequest) -> RtspResponse:
            asked.append(request.headers.get("Transport").rpartition("=")[2])
            given = "2-3" if request.uri.endswith("video") else "0-1"
            transport = ("Transport", f"RTP/AVP/TCP;unicast;interleaved={given}")
            return RtspResponse(200, RtspHeaders([("Session", "1"), transport]))

        self.made.answers["SETUP"] = answer
        played = self.made.requested("PLAY")
        listener = self.start("tcp")
        client = await played
        video, sound = client.packet(0, 0, IDR), client.packet(1, 0, bytes(160))
        client.transport.write(InterleavedFrame(2, video).encode())
        client.transport.write(InterleavedFrame(0, sound).encode())
        await listener.until(lambda: listener.packets and listener.sounds)
        self.assertEqual(asked, ["0-1", "4-5"])

    async def test_a_track_on_the_channel_of_another_one_is_left_out(self) -> None:
        self.made.description = SessionDescription((VIDEO, ALAW), attributes=(("control", "*"),))
        self.answer_set_up("RTP/AVP/TCP;unicast;interleaved=0-1")
        played = self.made.requested("PLAY")
        listener = self.start("tcp")
        client = await played
        client.send(0, 0, IDR)
        await listener.until(lambda: listener.packets)
        assert listener.info is not None
        self.assertIn("it uses one channel for two tracks", listener.info.sound_fault)

    async def test_a_response_without_a_transport_means_what_was_requested(self) -> None:
        self.answer_set_up("")
        played = self.made.requested("PLAY")
        listener = self.start("tcp")
        (await played).send(0, 0, IDR)
        await listener.until(lambda: listener.packets)

    async def test_a_camera_that_uses_the_other_transport_is_named_with_advice(self) -> None:
        for transport, header, advice in (
            ("tcp", "RTP/AVP;unicast;client_port=1-2;server_port=3-4", "add #transport=udp"),
            ("udp", "RTP/AVP/TCP;unicast;interleaved=0-1", "remove #transport=udp"),
        ):
            self.answer_set_up(header)
            listener = self.start(transport)
            await listener.failed()
            self.assertIn(advice, str(listener.error))

    async def test_over_udp_packets_are_put_in_order_and_lost_ones_noticed(self) -> None:
        played = self.made.requested("PLAY")
        listener = self.start("udp")
        client = await played
        self.assertIn("client_port", self.made.requests[2].headers.get("Transport"))
        packets = [client.packet(0, n * PERIOD, IDR if n == 0 else SLICE) for n in range(6)]
        to = ("127.0.0.1", client.client_ports[0][0])
        for number in (0, 2, 1, 4, 5):  # the fourth never comes
            client.udp[0].write(packets[number], to)
        await listener.until(lambda: listener.corrupt)
        self.assertEqual(len(listener.packets), 3)
        self.assertEqual(listener.corrupt, ["packets were lost"])

    async def test_packets_of_others_are_left_out_and_the_ports_are_no_one_else_s(self) -> None:
        played = self.made.requested("PLAY")
        listener = self.start("udp")
        client = await played
        ports = client.client_ports[0]
        self.assertEqual(ports[0] % 2, 0)
        self.assertEqual(ports[1], ports[0] + 1)
        assert self.source._session is not None
        (transport,) = self.source._session._transports
        assert isinstance(transport, UdpTransport)
        self.assertEqual([each.getHost().host for each in transport._ports], ["127.0.0.1"] * 2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.2", 0))
            other.sendto(client.packet(0, 0, IDR), ("127.0.0.1", ports[0]))
        client.send(0, PERIOD, IDR)
        await listener.until(lambda: listener.packets)
        self.assertEqual(len(listener.packets), 1)

    async def test_reports_are_sent_where_the_camera_takes_them(self) -> None:
        self.patch(session, "_REPORT_EVERY", 0.05)
        played = self.made.requested("PLAY")
        listener = self.start("tcp")
        client = await played
        client.send(0, 0, IDR)
        client.skip()
        client.send(0, PERIOD, IDR)
        await listener.until(lambda: len(listener.packets) == 2)
        before = len(client.packets)
        client.report(0, 0, 1e9)
        await reactor_turns(lambda: len(client.packets) > before + 1)
        frame = client.packets[-1]
        report, name = parse_rtcp(frame.data)
        assert isinstance(report, ReceiverReport)
        self.assertEqual((frame.channel, report.blocks[0].ssrc, report.blocks[0].lost), (1, 7, 1))
        self.assertNotEqual(report.blocks[0].last_sr, 0)
        assert isinstance(name, SourceDescription)
        self.assertEqual(name.cname, "twistedcam")

    async def test_no_two_free_ports_are_an_error(self) -> None:
        transport = UdpTransport(reactor, "127.0.0.1", "127.0.0.1", None)  # type: ignore[arg-type]
        self.patch(UdpTransport, "_open_pair", lambda _: False)
        with self.assertRaises(CameraFailed):
            transport.request()


async def reactor_turns(is_true: Any) -> None:
    """Let the reactor run until something is true."""
    while not is_true():
        turned: Deferred[None] = Deferred()
        reactor.callLater(0.005, turned.callback, None)
        await turned
