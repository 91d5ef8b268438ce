"""Addresses of cameras: ``twistedcam://HOST:9530/CAMERA``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from twistedcam.errors import BadArgument
from twistedcam.media.fps import check_fps, read_fps
from twistedcam.tls.client import Trust
from twistedcam.tls.fingerprint import read_fingerprint

DEFAULT_PORT = 9530
DEFAULT_URL = f"twistedcam://localhost:{DEFAULT_PORT}"
_EXAMPLE = "twistedcam://HOST:9530/CAMERA, or with ?fps=2"
_SCHEMES = ("twistedcam", "twistedcams", "twistedcam+unix")


@dataclass(frozen=True)
class CameraAddress:
    """A camera on a server.

    Arguments:
        host, port: the server's frame port; empty and 0 for a UNIX socket.
        camera: the camera's name, or None for the server's first.
        token: the token, or None.
        fps: the maximum number of frames per second, or None for all.
        tls: True for TLS (``twistedcams:``).
        trust: the certificates to trust with TLS.
        path: the UNIX socket's file (``twistedcam+unix:``), or None.

    Raises:
        BadArgument: ``fps`` is not a valid rate.
    """

    host: str = "localhost"
    port: int = DEFAULT_PORT
    camera: str | None = None
    token: str | None = None
    fps: float | None = None
    tls: bool = False
    trust: Trust = field(default_factory=Trust)
    path: str | None = None

    def __post_init__(self) -> None:
        if self.fps is not None:
            object.__setattr__(self, "fps", check_fps(self.fps))

    def __str__(self) -> str:
        """Return the address without its token."""
        camera = quote(self.camera, safe="") if self.camera else ""
        name = f"/{camera}" if camera else ""
        if self.path is not None:
            return f"twistedcam+unix:{self.path}" + (f"?camera={camera}" if name else "")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"twistedcam{'s' if self.tls else ''}://{host}:{self.port}{name}"

    def with_options(
        self, fps: float | None = None, token: str | None = None, trust: Trust | None = None
    ) -> CameraAddress:
        """Return the address with these options; None keeps the present value.

        Raises:
            BadArgument: ``fps`` is not a valid rate.
        """
        mine, theirs = self.trust, trust or Trust()
        merged = replace(
            theirs,
            fingerprint=theirs.fingerprint or mine.fingerprint,
            cafile=theirs.cafile or mine.cafile,
            certificate=theirs.certificate or mine.certificate,
        )
        return replace(
            self,
            fps=self.fps if fps is None else fps,
            token=token or self.token,
            trust=merged,
        )


def parse_target(text: str) -> CameraAddress:
    """Parse an address.

    ``twistedcam://[:TOKEN@]HOST[:PORT][/CAMERA][?fps=2&token=…]``, ``twistedcams://…`` for TLS
    (which also takes ``cafile=``, ``fingerprint=`` and ``cert=``),
    ``twistedcam+unix:/path/to.sock[?camera=…]``; the scheme is optional.

    Raises:
        BadArgument: the text is not a valid address.
    """
    if ":/" not in text:
        text = f"twistedcam://{text}"
    shown = _shown(text)
    try:
        parts = urlsplit(text.strip())
        port = parts.port or DEFAULT_PORT
        query = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
        fps = read_fps(query.pop("fps")) if "fps" in query else None
    except BadArgument as error:
        raise BadArgument(f"{shown} is not a valid camera address: {error}") from None
    except ValueError:  # its text may contain a part of the token
        raise BadArgument(f"{shown} is not a valid camera address: use {_EXAMPLE}") from None
    if parts.scheme not in _SCHEMES:
        raise BadArgument(f"{shown} is not a valid camera address: use {_EXAMPLE}")
    userinfo = unquote(parts.password or parts.username or "")
    token = query.pop("token", "") or userinfo or None
    fingerprint = query.pop("fingerprint", None)
    trust = Trust(
        None if fingerprint is None else read_fingerprint(fingerprint),
        query.pop("cafile", None),
        certificate=query.pop("cert", None),
    )
    unix = parts.scheme == "twistedcam+unix"
    camera = query.pop("camera", None) if unix else unquote(parts.path.strip("/")) or None
    if query:
        raise BadArgument(f"{shown}: an address has no option {next(iter(query))!r}")
    if unix:
        return CameraAddress("", 0, camera, token, fps, path=unquote(parts.path))
    if not parts.hostname:
        raise BadArgument(f"{shown} has no host: use {_EXAMPLE}")
    tls = parts.scheme == "twistedcams"
    return CameraAddress(parts.hostname, port, camera, token, fps, tls, trust)


def _shown(text: str) -> str:
    """Return an invalid address without parts that may be a token."""
    address, question, _ = text.partition("?")
    scheme, slashes, rest = address.partition("//")
    if "@" in rest:
        rest = f"***@{rest.rpartition('@')[2]}"
    return f"{scheme}{slashes}{rest}{'?***' if question else ''}"
