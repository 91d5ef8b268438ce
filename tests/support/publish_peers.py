"""Servers that video is published to: real ones, each on a port of its own."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from tests.support.process import wait_for
from tests.support.system import require, require_program
from twistedcam.tls.certificate import CERTIFICATE, KEY

LOCAL = "127.0.0.1"
_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex((LOCAL, port)) == 0


class Program:
    """A program that is started, killed and started again; ended on leaving the context."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, out: IO[bytes] | int = subprocess.DEVNULL) -> None:
        """Start it; what it says goes to a file."""
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(self.command, stdin=quiet, stdout=out, stderr=quiet)

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> Program:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Nginx(Program):
    """nginx of a configuration in which ``{…}`` stand for values.

    Arguments:
        folder: for its files.
        config: the configuration's http and rtmp parts.
        port: where it listens; waited for.
    """

    def __init__(self, folder: Path, config: str, port: int) -> None:
        program = require_program("nginx")
        require(_MODULE.exists(), "no RTMP module (Debian: apt-get install libnginx-mod-rtmp)")
        folder.mkdir(parents=True, exist_ok=True)
        head = (
            f"daemon off; master_process off; worker_processes 1; pid {folder}/pid;\n"
            f"error_log {folder}/log; load_module {_MODULE};\n"
            "events { worker_connections 256; }\n"
        )
        file = folder / "nginx.conf"
        file.write_text(head + config)
        self.port = port
        super().__init__(program, "-e", f"{folder}/log", "-c", str(file))

    def start(self, out: IO[bytes] | int = subprocess.DEVNULL) -> None:
        """Start it, and wait until it listens."""
        super().start(out)
        wait_for(lambda: is_open(self.port), "nginx")


def rtsp_listener(port: int, file: Path) -> Program:
    """ffmpeg as an RTSP server that one publisher records to."""
    words = ["-v", "error", "-y", "-rtsp_flags", "listen", "-i", f"rtsp://{LOCAL}:{port}/cam"]
    return Program(
        require_program("ffmpeg"), *words, "-c", "copy", "-flush_packets", "1", str(file)
    )


@dataclass
class ReceivedRequest:
    """One request to a `WebServer`; what follows the path is known once it is taken whole."""

    method: str
    path: str
    #: Connections are numbered as they came.
    connection: int
    type: str = ""
    authorization: str = ""
    body: str = ""


class WebServer(ThreadingHTTPServer):
    """Takes whatever is put and deleted, and refuses WHIP's offers; open while in the context.

    Each connection has a thread of its own.

    Arguments:
        certificate: folder of a certificate and its key, for TLS.
    """

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__((LOCAL, 0), _Upload)
        self.port: int = self.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://{LOCAL}:{self.port}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / CERTIFICATE, certificate / KEY)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        #: Gives status and headers for a request.
        self.reply: Callable[[ReceivedRequest], tuple[int, dict[str, str]]] = lambda asked: (
            {"PUT": 201, "DELETE": 200}.get(asked.method, 403),
            {},
        )
        #: Paths after whose answers the connection is closed, without a header that says so.
        self.closing: set[str] = set()
        #: What was asked, and what of it was taken whole.
        self.begun: list[ReceivedRequest] = []
        self.taken: list[ReceivedRequest] = []
        self.connections: list[Any] = []
        self._serving = threading.Thread(target=self.serve_forever)

    def has_taken(self, method: str, path: str) -> bool:
        """Whether that was taken whole."""
        return any((each.method, each.path) == (method, path) for each in list(self.taken))

    def process_request(self, request: Any, client_address: Any) -> None:
        """One more connection: they are accepted one after the other."""
        self.connections.append(client_address)
        super().process_request(request, client_address)

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client may refuse the certificate."""

    def __enter__(self) -> WebServer:
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._serving.join()
        self.server_close()


class _Upload(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        number = self.server.connections.index(self.client_address)
        asked = ReceivedRequest(self.command, self.path, number)
        self.server.begun.append(asked)
        asked.type = self.headers.get("Content-Type", "")
        asked.authorization = self.headers.get("Authorization", "")
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        else:
            size = int(self.headers.get("Content-Length", 0))
            asked.body = self.rfile.read(size).decode(errors="replace")
        status, headers = self.server.reply(asked)
        self.server.taken.append(asked)
        self.send_response(status)
        for name, value in {"Content-Length": "2", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")
        self.close_connection |= self.path in self.server.closing

    do_DELETE = do_POST = do_PUT

    def log_message(self, *_: object) -> None:
        """Nothing."""
