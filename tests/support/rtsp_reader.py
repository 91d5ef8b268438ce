"""An RTSP client on a real connection, for tests of a server's process."""

from __future__ import annotations

import base64
import select
import socket
import time
from collections import Counter

from tests.support.process import PATIENCE
from twistedcam.rtsp.messages import (
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspMessage,
    RtspRequest,
    RtspResponse,
)


class RtspReader:
    """A client that counts the packets that it receives.

    Arguments:
        port: the server's, on this machine.
        token: for Basic, or None.
    """

    def __init__(self, port: int, token: str | None = None) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        #: The packets by channel.
        self.packets: Counter[int] = Counter()
        #: The newest packet of each channel.
        self.newest: dict[int, bytes] = {}
        self.session = ""
        #: The header Transport of the last response to SETUP.
        self.transport = ""
        self._decoder = RtspDecoder()
        self._messages: list[RtspMessage] = []
        self._cseq = 0
        self._login = [] if token is None else [("Authorization", _basic(token))]

    def request(self, method: str, url: str, **headers: str) -> None:
        """Send a request."""
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), *self._login, *headers.items()]
        if self.session:
            fields.append(("Session", self.session))
        self.sock.sendall(RtspRequest(method, url, RtspHeaders(fields), b"").encode())

    def ask(self, method: str, url: str, **headers: str) -> RtspResponse:
        """Send a request; return the response."""
        self.request(method, url, **headers)
        while True:
            message = self.next()
            assert message is not None, f"the connection ended after {method}"
            if isinstance(message, RtspResponse):
                assert message.cseq == self._cseq
                self.transport = message.headers.get("Transport") or self.transport
                self.session = message.headers.get("Session").partition(";")[0] or self.session
                return message

    def play(self, url: str, tracks: int = 1) -> None:
        """Set up the first tracks of a stream on the connection, and begin."""
        for track in range(tracks):
            channels = f"interleaved={2 * track}-{2 * track + 1}"
            self._succeed("SETUP", f"{url}/trackID={track}", f"RTP/AVP/TCP;unicast;{channels}")
        self._succeed("PLAY", url)

    def play_udp(self, url: str) -> tuple[socket.socket, socket.socket]:
        """Begin over UDP; return the sockets of RTP and RTCP."""
        rtp, rtcp = udp_pair()
        ports = f"client_port={rtp.getsockname()[1]}-{rtcp.getsockname()[1]}"
        self._succeed("SETUP", f"{url}/trackID=0", f"RTP/AVP;unicast;{ports}")
        self._succeed("PLAY", url)
        return rtp, rtcp

    def _succeed(self, method: str, url: str, transport: str = "") -> None:
        headers = {"Transport": transport} if transport else {}
        response = self.ask(method, url, **headers)
        assert response.status == 200, response

    def next(self) -> RtspMessage | None:
        """Return the next message; None at the end of the connection."""
        while not self._messages:
            try:
                data = self.sock.recv(1 << 16)
            except ConnectionError:
                return None
            if not data:
                return None
            self._messages += self._decoder.feed(data)
        message = self._messages.pop(0)
        if isinstance(message, InterleavedFrame):
            self.packets[message.channel] += 1
            self.newest[message.channel] = message.data
        return message

    def more(self, channel: int = 0, count: int = 5) -> None:
        """Read until more packets have come on a channel."""
        until = self.packets[channel] + count
        while self.packets[channel] < until:
            assert self.next() is not None, "the connection ended"

    def is_silent(self, seconds: float = 0.3) -> bool:
        """True if nothing comes for a while."""
        return not self._messages and not select.select([self.sock], [], [], seconds)[0]

    def ends(self) -> bool:
        """Read to the end of the connection. Return False if it does not come."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.next() is None:
                return True
        return False

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()


def udp_pair() -> tuple[socket.socket, socket.socket]:
    """Return two UDP sockets on ports next to each other."""
    while True:
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        rtp.bind(("127.0.0.1", 0))
        try:
            rtcp.bind(("127.0.0.1", rtp.getsockname()[1] + 1))
        except (OSError, OverflowError):
            rtp.close()
            rtcp.close()
            continue
        for each in (rtp, rtcp):
            each.settimeout(PATIENCE)
        return rtp, rtcp


def _basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"any:{token}".encode()).decode()
