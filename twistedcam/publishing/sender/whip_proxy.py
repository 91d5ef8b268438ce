"""A proxy for FFmpeg's WHIP muxer, which checks the certificate of the web server.

It is a separate program, because PyAV holds Python's lock while FFmpeg connects. Standard input: a
SenderConfig as a line of JSON; the program ends when it is closed. Standard output: the address for
FFmpeg, then a line for each error.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urljoin

from twistedcam.publishing.sender.http_client import TargetClient
from twistedcam.publishing.sender.protocol import SenderConfig, report

#: The most bytes of a session description.
_MAX_BODY = 1 << 20
_REQUEST_HEADERS = ("Authorization", "Cache-Control", "Content-Type")


class WhipProxy:
    """Starts the proxy, which ends with this process.

    Raises:
        OSError: it does not start; the text is the reason.
    """

    def __init__(self, config: SenderConfig) -> None:
        command = [sys.executable, "-P", "-m", "twistedcam.publishing.sender.whip_proxy"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(config).encode() + b"\n")
        self._process.stdin.flush()
        self._output = self._process.stdout
        #: The address for FFmpeg.
        self.url = self._output.readline().decode().strip()
        if not self.url.startswith("http"):
            self._process.communicate()
            raise OSError(self.url or "the WHIP proxy did not start")
        os.set_blocking(self._output.fileno(), False)

    def check(self) -> None:
        """Raise OSError with the reason if a request has failed."""
        if line := self._output.readline():
            raise OSError(line.decode().strip())


class _Handler(BaseHTTPRequestHandler):
    client: TargetClient
    #: The web server's addresses, by random paths of this proxy.
    addresses: ClassVar[dict[str, str]] = {}
    timeout = 60

    @classmethod
    def path_for(cls, url: str) -> str:
        """Return a new path for an address."""
        path = f"/{secrets.token_urlsafe(16)}"
        cls.addresses[path] = url
        return path

    def do_POST(self) -> None:
        url = self.addresses.get(self.path)
        if url is None:
            self._answer(404)
            return
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _MAX_BODY))
        headers = {name: self.headers[name] for name in _REQUEST_HEADERS if name in self.headers}
        try:
            answer = self.client.request(self.command, url, body, headers)
        except OSError as error:
            report(str(error))
            self._answer(502)
            return
        if answer.status_code >= 400 and self.command == "POST":
            report(f"POST: {answer.status_code} {answer.reason}")
        location = answer.headers.get("Location")
        path = location and self.path_for(urljoin(url, location))
        self._answer(answer.status_code, answer.content, path)

    do_DELETE = do_POST

    def log_message(self, *_: object) -> None:
        """Write no access log: standard error is for tracebacks."""

    def _answer(self, status: int, content: bytes = b"", location: str | None = None) -> None:
        self.send_response_only(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> int:
    """Forward requests until the input ends; return the exit status."""
    try:
        _Handler.client = TargetClient(json.loads(sys.stdin.readline()))
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    except OSError as error:
        report(str(error))
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    report(f"http://127.0.0.1:{server.server_address[1]}{_Handler.path_for(_Handler.client.url)}")
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
