"""Passes on to a web server what FFmpeg sends to this machine; a program that gate.py starts.

FFmpeg's HLS and WHIP check no certificates and keep quiet about what is refused. They are given an
address on this machine instead; what they send there goes on to the web server as it comes, and
the web server's certificate is checked.

Standard input: an Errand as a line of JSON; its end is the end. Standard output: the address, then
a line for each fault.
"""

from __future__ import annotations

import http.client
import json
import secrets
import signal
import ssl
import sys
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypedDict
from urllib.parse import unquote, urljoin, urlsplit

from twistedcam.publishing.sender.turns import Turns

#: Seconds that the web server may take for anything.
_TIMEOUT = 10.0
#: Headers of one connection, which are not for the next.
_OF_CONNECTION = {
    "host",
    "connection",
    "transfer-encoding",
    "content-length",
    "expect",
    "icy-metadata",
}
#: A body may be as long as some seconds of video.
_MAX_BODY = 64 << 20


class Errand(TypedDict):
    """Where to: see Gate."""

    url: str
    verify: bool
    ca: str


class Porter:
    """Listens on this machine, for who knows its address.

    Arguments:
        errand: where what it is given goes.
    """

    def __init__(self, errand: Errand) -> None:
        self._parts = parts = urlsplit(errand["url"])
        self._context = ssl.create_default_context(cafile=errand["ca"] or None)
        if not errand["verify"]:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        #: The header for the name and password in the address.
        self._credentials: dict[str, str] = {}
        if parts.username:
            words = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._credentials["Authorization"] = f"Basic {b64encode(words).decode()}"
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self.turns = Turns()
        self._word = f"/{secrets.token_urlsafe(16)}"
        handler = type("Handler", (_Handler,), {"porter": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        query = f"?{parts.query}" if parts.query else ""
        port = self._server.server_address[1]
        #: The address to use instead.
        self.url = f"http://127.0.0.1:{port}{self._word}{parts.path or '/'}{query}"

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Ask the web server; once more where it had closed a connection that was idle.

        Raises:
            OSError, http.client.HTTPException: it cannot be asked.
        """
        with self._lock:
            there = self._idle.pop() if self._idle else None
        if there is not None:
            try:
                return self._ask(there, method, path, body, headers)
            except (http.client.RemoteDisconnected, ConnectionError):
                there.close()
        return self._ask(self._connect(), method, path, body, headers)

    def _ask(
        self,
        there: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> tuple[http.client.HTTPResponse, bytes]:
        there.request(method, path, body, self._credentials | headers)
        answer = there.getresponse()
        content = answer.read()
        with self._lock:
            self._idle.append(there)
        return answer, content

    def _connect(self) -> http.client.HTTPConnection:
        """A connection to the web server; it is made with the first request."""
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme.lower() == "http":
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=self._context)

    def inner(self, path: str) -> str | None:
        """The path at the web server for one here, or None for who does not know the word."""
        if not path.startswith(self._word + "/"):
            return None
        return path.removeprefix(self._word)

    def outer(self, path: str, location: str) -> str:
        """A Location for who asks here."""
        origin = f"{self._parts.scheme}://{self._parts.netloc.rpartition('@')[2]}"
        there = urljoin(origin + path, location)
        return self._word + there.removeprefix(origin) if there.startswith(origin) else there


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """FFmpeg does not wait for answers."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of FFmpeg's."""

    porter: Porter
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        with self.porter.turns.under_way(self.path):
            self._pass_on()

    do_PUT = do_DELETE = do_PATCH = do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Standard error is for faults."""

    def _pass_on(self) -> None:
        path, body = self.porter.inner(self.path), self._body()
        if path is None:
            self._answer(404, [], b"")
            return
        try:
            sent = {k: v for k, v in self.headers.items() if k.lower() not in _OF_CONNECTION}
            with self.porter.turns.turn(body):
                answer, content = self.porter.ask(self.command, path, body, sent)
        except ssl.SSLCertVerificationError as error:
            self._fail(f"its certificate is not to be trusted ({error.verify_message});"
                       " for one that signs itself say #ca=FILE")  # fmt: skip
        except (OSError, http.client.HTTPException) as error:
            self._fail(getattr(error, "strerror", None) or str(error) or type(error).__name__)
        else:
            if answer.status >= 400 and self.command in ("PUT", "POST"):
                say(f"{self.command}: {answer.status} {answer.reason}")
            headers = [
                each for each in answer.getheaders() if each[0].lower() not in _OF_CONNECTION
            ]
            moved = [(k, self.porter.outer(path, v) if k.lower() == "location" else v)
                     for k, v in headers]  # fmt: skip
            self._answer(answer.status, moved, content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _MAX_BODY))
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
            if len(body) > _MAX_BODY:
                raise ConnectionError("a segment without end")
        self.rfile.readline()
        return bytes(body)

    def _fail(self, reason: str) -> None:
        say(reason)
        self._answer(502, [], b"")

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def say(line: str) -> None:
    """Tell who has started this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Pass on until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        porter = Porter(json.loads(sys.stdin.readline()))
    except (OSError, ValueError) as error:
        say(f"no way to the web server: {error}")
        return 1
    say(porter.url)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
