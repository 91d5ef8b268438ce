"""The web page and its files, kept in memory."""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING
from urllib.parse import quote

from twistedcam.servers.http.connection.cookie import renew_cookie
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest, query

if TYPE_CHECKING:
    from twistedcam.core.server import Server

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}

#: The page may load only files of this server, and no inline scripts or styles.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",  # Media Source Extensions
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # without a referrer, forms have no Origin to check
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: The service worker's text that is replaced by the version of all files.
_VERSION = "@version@"
#: Comments in the page that are replaced for browsers without scripts.
_CAMERAS = "<!-- cameras without scripts -->"
_REFRESH = "<!-- refresh without scripts -->"
#: Most streams in a page without scripts: browsers allow six connections to a server.
MAX_STREAMS = 5
#: Seconds until a page with more cameras, as snapshots, is loaded again.
_PERIOD = 5


@dataclass(frozen=True)
class _StaticFile:
    body: bytes
    type: str
    etag: str

    @cached_property
    def compressed(self) -> bytes | None:
        """The body as gzip; None for pictures, which are compressed already."""
        if self.type == TYPES[".png"]:
            return None
        return gzip.compress(self.body, mtime=0)


class Page:
    """Answers ``/`` and ``/static/…``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._files: dict[str, _StaticFile] = {}
        self._load(files(__package__).joinpath("static"), "")
        worker = self._files["service_worker.js"]
        etags = "".join(self._files[name].etag for name in sorted(self._files))
        version = hashlib.sha256(etags.encode()).hexdigest()[:16]
        self._worker = _file(worker.body.replace(_VERSION.encode(), version.encode()), worker.type)

    def _load(self, folder: Traversable, prefix: str) -> None:
        """Read all files into memory: a request can only name one of these."""
        for each in folder.iterdir():
            suffix = "." + each.name.rpartition(".")[2]
            if each.is_dir():
                self._load(each, f"{each.name}/")
            elif suffix in TYPES:
                self._files[prefix + each.name] = _file(each.read_bytes(), TYPES[suffix])

    def index(self, request: HttpRequest) -> Reply:
        """Return the page with the cameras that the request's token covers."""
        if request.login is not None:
            renew_cookie(request)
        page = self._files["index.html"]
        names = {
            name: camera.title or name
            for name, camera in self._server.cameras.items()
            if request.grant.covers(name)
        }
        token = query(request, "token")
        parameter = "" if token is None else f"?token={quote(token, safe='')}"
        many = len(names) > MAX_STREAMS
        refresh = f'<meta http-equiv="refresh" content="{_PERIOD}">' if many else ""
        body = page.body.decode().replace(_CAMERAS, _figures(names, parameter))
        reply = _reply(request, _file(body.replace(_REFRESH, refresh).encode(), page.type))
        if request.login is not None:
            reply.cache = "no-store"  # after logging out, "back" does not show it
        return reply

    def text(self, name: str) -> str:
        """Return the text of a file of the page."""
        return self._files[name].body.decode()

    def static(self, request: HttpRequest, name: str, folder: str | None = None) -> Reply:
        """Return one of the page's files."""
        found = self._files.get(name if folder is None else f"{folder}/{name}")
        if found is None:
            return json_reply({"code": "not-found", "message": f"there is no {name!r}"}, 404)
        reply = _reply(request, found)
        if found.compressed is not None:
            reply.headers["Vary"] = "Accept-Encoding"
            if reply.body and _takes_gzip(request):
                reply.body = found.compressed
                # The same file in other bytes (RFC 9110, 8.8.3.3).
                reply.headers |= {"Content-Encoding": "gzip", "ETag": f"W/{found.etag}"}
        return reply

    def worker(self, request: HttpRequest) -> Reply:
        """Return the service worker; it is for the addresses below the folder of its own.

        Its text has the version of all files, so that browsers replace it when one has changed.
        """
        return _reply(request, self._worker)

    def favicon(self, request: HttpRequest) -> Reply:
        """Return the icon at the address that browsers try by default."""
        return self.static(request, "icon.svg")


def _figures(names: dict[str, str], query: str) -> str:
    """Return the HTML of the cameras for a page without scripts, each a link to its stream.

    Addresses are relative, because a proxy may add a path prefix.
    """
    kind = "stream" if len(names) <= MAX_STREAMS else "snapshot"
    figures = []
    for name, title in names.items():
        path, shown = quote(name), html.escape(title)
        image = f'<img src="{kind}/{path}{query}" alt="Live picture of {shown}">'
        caption = f"<figcaption>{shown}</figcaption>"
        figures.append(f'<figure><a href="stream/{path}{query}">{image}{caption}</a></figure>')
    return "\n".join(figures)


def _takes_gzip(request: HttpRequest) -> bool:
    """True if a client takes a body as gzip (RFC 9110, 12.5.3)."""
    for each in (request.getHeader("Accept-Encoding") or "").lower().split(","):
        name, _, weight = each.partition(";")
        if name.strip() == "gzip":
            return re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return False


def _file(body: bytes, type: str) -> _StaticFile:
    return _StaticFile(body, type, f'"{hashlib.sha256(body).hexdigest()[:24]}"')


def _reply(request: HttpRequest, file: _StaticFile) -> Reply:
    # Browsers cache the file and validate it each time: an update is used at once.
    headers = {**HEADERS, "ETag": file.etag}
    if file.etag in (request.getHeader("If-None-Match") or ""):
        return Reply(type=file.type, status=304, cache="no-cache", headers=headers)
    return Reply(file.body, file.type, cache="no-cache", headers=headers)
