"""A push service over TLS, and a browser's keys: it checks and decrypts what it gets."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from tests.support import tls_server


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class BrowserKeys:
    """The keys that a browser makes for its notifications."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = bytes(range(16))

    @property
    def as_json(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"p256dh": base64url(point), "auth": base64url(self.secret)}

    def decrypt(self, body: bytes) -> bytes:
        return http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"
        )


class PushService:
    """Accepts messages at ``/send/DEVICE``; answers with ``statuses`` first, then with 201.

    Arguments:
        folder: gets its certificate, ``ca`` has its path: SSL_CERT_FILE makes it trusted.
    """

    def __init__(self, folder: Path) -> None:
        tls_server.make(folder)
        self.ca = folder / "cert.pem"
        self.keys = BrowserKeys()
        #: The decrypted messages, and the headers that came with them.
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        #: Statuses of the next answers, with their headers.
        self.statuses: list[tuple[int, dict[str, str]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = service.statuses.pop(0) if service.statuses else (201, {})
                if status == 201:
                    service.messages.append(json.loads(service.keys.decrypt(body)))
                    service.headers.append({k.lower(): v for k, v in self.headers.items()})
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}/send/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> PushService:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def device(self, name: str, **more: Any) -> dict[str, Any]:
        """Return what a browser sends to the server to get notifications."""
        return {"endpoint": self.url + name, "keys": self.keys.as_json, **more}


def signer_of(headers: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Return the claims of a message's signature, and the public key that has signed it.

    Raises AssertionError if the signature is wrong.
    """
    scheme, _, rest = headers["authorization"].partition(" ")
    assert scheme == "vapid"
    parts = dict(each.strip().split("=", 1) for each in rest.split(","))
    assert Vapid02.verify(headers["authorization"])
    payload = parts["t"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims, parts["k"]
