"""An RTSP client that is written by hand, and the server that it talks to, both in memory."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from twisted.internet.address import IPv4Address

from tests.support.http_site import Transport
from tests.support.server_case import TokenCase
from twistedcam.auth import Authenticator
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.rtsp.messages import (
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspMessage,
    RtspRequest,
    RtspResponse,
)
from twistedcam.servers.rtsp.server import RtspFactory, RtspProtocol

#: The address of the camera ``door``.
DOOR = "rtsp://cam.example:8554/door"
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


def picture(width: int = 64, height: int = 48, **flags: int) -> bytes:
    """A JPEG that RTP can carry."""
    image = np.zeros((height, width, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", image, [])[1])


def basic(token: str, user: str = "any") -> str:
    """The header Authorization of Basic."""
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


class RtspPeer:
    """A client's side of one connection to the RTSP port."""

    def __init__(self, factory: RtspFactory, host: str = "127.0.0.1") -> None:
        self.protocol: RtspProtocol = factory.buildProtocol(None)
        self.transport: Any = Transport(
            hostAddress=IPv4Address("TCP", "127.0.0.1", 8554),
            peerAddress=IPv4Address("TCP", host, 4711),
        )
        self.transport.loseWriteConnection = self.transport.loseConnection
        self._decoder = RtspDecoder()
        self._cseq = 0
        self.protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.protocol.dataReceived(data)

    def take(self) -> list[RtspMessage]:
        """Return what has come since the last call."""
        data = self.transport.value()
        self.transport.clear()
        return list(self._decoder.feed(data)) if data else []

    def frames(self) -> list[InterleavedFrame]:
        """Return the packets that have come since the last call."""
        return [each for each in self.take() if isinstance(each, InterleavedFrame)]

    def ask(self, method: str, uri: str = DOOR, body: bytes = b"", **headers: str) -> RtspResponse:
        """Send a request; return the response, before which no packet has come."""
        self.request(method, uri, body, **headers)
        responses = [each for each in self.take() if isinstance(each, RtspResponse)]
        assert len(responses) == 1, responses
        assert responses[0].cseq == self._cseq
        return responses[0]

    def request(self, method: str, uri: str = DOOR, body: bytes = b"", **headers: str) -> None:
        """Send a request."""
        self._cseq += 1
        fields = [("CSeq", str(self._cseq))]
        fields += [(key.replace("_", "-"), value) for key, value in headers.items()]
        self.send(RtspRequest(method, uri, RtspHeaders(fields), body).encode())

    def set_up(self, uri: str = f"{DOOR}?codec=mjpeg", transport: str = TCP) -> str:
        """Set up the video; return the session's id."""
        base, question, query = uri.partition("?")
        response = self.ask("SETUP", f"{base}/trackID=0{question}{query}", Transport=transport)
        assert response.status == 200, response
        return response.headers.get("Session").partition(";")[0]

    @property
    def is_closed(self) -> bool:
        """True if the server has closed the connection."""
        return bool(self.transport.disconnecting)


class RtspCase(TokenCase):
    """An RTSP port with the cameras ``door``, live with frame 1, and ``yard``, stopped."""

    def setUp(self) -> None:
        super().setUp()
        self.with_tokens, self.server.authenticator = (
            self.server.authenticator,
            Authenticator(self.clock),
        )
        self.door.state = "live"
        self.show(1)
        self.factory = RtspFactory(self.server, self.clock)
        self.addCleanup(self.factory.close)

    def need_tokens(self) -> None:
        """Let only tokens in from now on."""
        self.server.authenticator = self.with_tokens
        self.factory = RtspFactory(self.server, self.clock)
        self.addCleanup(self.factory.close)

    def connect(self, host: str = "127.0.0.1") -> RtspPeer:
        """Return a new connection."""
        return RtspPeer(self.factory, host)

    def show(self, seq: int, jpeg: bytes | None = None) -> Frame:
        """Publish a frame of ``door``, captured at 1000 + ``seq`` seconds."""
        frame = Frame(seq, (1000 + seq) * 1_000_000, 64, 48, jpeg or picture())
        self.door.stream.publish(frame)
        return frame

    def publish(self, packets: Sequence[Packet]) -> None:
        """Publish packets of ``door``."""
        for each in packets:
            self.door.stream.publish(each)
