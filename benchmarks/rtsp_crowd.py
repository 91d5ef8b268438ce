"""Many RTSP viewers in one process: they take the packets, and discard them in the kernel.

    python -m benchmarks.rtsp_crowd URL COUNT tcp|udp

With an address ``floor://HOST:PORT`` the server is ``rtp.c``, which does not know RTSP. It prints a
line when all play, and runs until it is ended. Over UDP only the first viewer reads: the kernel
drops what the others do not read, which costs the server the same.
"""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import sys
import time
from urllib.parse import urlsplit

from twistedcam.rtsp.messages import RtspDecoder, RtspHeaders, RtspRequest, RtspResponse
from twistedcam.rtsp.rtcp import ReceiverReport
from twistedcam.rtsp.sdp import control_url, parse_sdp

#: Seconds between two signs of life.
_PERIOD = 10.0
_BUFFER = bytearray(1 << 20)


class Watcher:
    """One viewer.

    Arguments:
        url: the stream.
        over_udp: True to take packets over UDP.
    """

    def __init__(self, url: str, over_udp: bool) -> None:
        parts = urlsplit(url)
        self.media: list[socket.socket] = []
        self._rtcp = parts.hostname, parts.port or 554
        self._is_rtsp = parts.scheme != "floor"
        if not self._is_rtsp:
            self._come(over_udp)
            return
        self.sock = socket.create_connection((parts.hostname or "", parts.port or 554), 30)
        self.decoder = RtspDecoder()
        self._cseq = 0
        described = self._ask("DESCRIBE", url)
        base = described.headers.get("Content-Base") or url
        track = control_url(base, parse_sdp(described.body).media[0].control)
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        if over_udp:
            self.media = _two_ports()
            first = self.media[0].getsockname()[1]
            transport = f"RTP/AVP;unicast;client_port={first}-{first + 1}"
        response = self._ask("SETUP", track, Transport=transport)
        session = response.headers.get("Session").partition(";")[0]
        if over_udp:
            words = dict(
                word.partition("=")[::2] for word in response.headers.get("Transport").split(";")
            )
            self._rtcp = parts.hostname, int(words["server_port"].partition("-")[2])
        self._ask("PLAY", base, Session=session)
        self.sock.setblocking(False)

    def _come(self, over_udp: bool) -> None:
        """Begin without RTSP."""
        if over_udp:
            self.media = _two_ports()
            self.media[0].sendto(b"here", self._rtcp)
        else:
            self.sock = socket.create_connection(self._rtcp, 30)

    def stay(self) -> None:
        """Give a sign of life."""
        if self.media and self._is_rtsp:
            self.media[1].sendto(ReceiverReport(1).encode(), self._rtcp)

    def _ask(self, method: str, uri: str, **headers: str) -> RtspResponse:
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), *headers.items()]
        self.sock.sendall(RtspRequest(method, uri, RtspHeaders(fields)).encode())
        while True:
            for message in list(self.decoder.feed(self.sock.recv(65536))):
                if isinstance(message, RtspResponse):
                    if message.status != 200:
                        raise SystemExit(f"{method}: {message.status} {message.reason}")
                    return message


def _two_ports() -> list[socket.socket]:
    """Open an even port and the next one."""
    while True:
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        with contextlib.suppress(OSError):
            pair[0].bind(("127.0.0.1", 0))
            number = pair[0].getsockname()[1]
            if number % 2 == 0:
                pair[1].bind(("127.0.0.1", number + 1))
                return pair
        for each in pair:
            each.close()


def main(url: str, count: str, protocol: str) -> None:
    """Watch until the process is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    watchers = [Watcher(url, protocol == "udp") for _ in range(int(count))]
    reading = select.epoll()
    sockets = {}
    for each in watchers:
        taken = [each.sock] if not each.media else []
        if each is watchers[0] and each.media:
            taken = each.media
        for sock in taken:
            sock.setblocking(False)
            reading.register(sock, select.EPOLLIN)
            sockets[sock.fileno()] = sock
    print("all play", flush=True)
    due = time.monotonic() + _PERIOD
    while True:
        for fd, _ in reading.poll(1.0):
            with contextlib.suppress(BlockingIOError):
                sockets[fd].recv_into(_BUFFER, len(_BUFFER), socket.MSG_TRUNC)
        if time.monotonic() >= due:
            due = time.monotonic() + _PERIOD
            for each in watchers:
                each.stay()


if __name__ == "__main__":
    main(*sys.argv[1:])
