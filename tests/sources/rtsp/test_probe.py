"""Probes: a camera that answers is back, one that only accepts connections is not yet."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tests.sources.rtsp.test_transport import reactor_turns
from tests.support.ports import free_port
from tests.support.process import PATIENCE
from tests.support.rtsp_camera import RtspCamera
from twistedcam.sources.rtsp import probe as module
from twistedcam.sources.rtsp.address import RtspAddress
from twistedcam.sources.rtsp.probe import probe

reactor: Any = installed


def address(port: int, scheme: str = "rtsp") -> RtspAddress:
    return RtspAddress.parse(f"{scheme}://127.0.0.1:{port}/cam")


class ProbeTests(TestCase):
    timeout = 5 * PATIENCE

    async def test_a_camera_that_answers_is_there(self) -> None:
        camera = RtspCamera(schemes=("MD5",))
        camera.listen()
        self.addCleanup(lambda: Deferred.fromCoroutine(camera.close()))
        self.assertTrue(await probe(reactor, address(camera.port)))
        self.assertEqual(camera.methods, ["OPTIONS"])
        self.assertTrue(await probe(reactor, address(camera.port, "rtsps")))
        await reactor_turns(lambda: not camera.clients)

    async def test_one_that_cannot_be_reached_or_is_silent_is_not(self) -> None:
        self.assertFalse(await probe(reactor, address(free_port())))
        port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.patch(module, "_ANSWER_TIMEOUT", 0.05)
        self.assertFalse(await probe(reactor, address(port.getHost().port)))
