"""FFmpeg's way to a target, with certificates checked whatever the way is."""

from __future__ import annotations

import re
import ssl
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging

from twistedcam.publishing.sender.gate import Gate
from twistedcam.publishing.sender.protocol import Order

#: Where systems keep the certificates of authorities in one file, as FFmpeg's GnuTLS wants it.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_HINT = "; for one that signs itself say #ca=FILE"


class Outlet:
    """A container that is opened as an order says.

    RTSP checks certificates by itself. FFmpeg's RTMP can, but PyAV hands it no options; its muxer
    ``tee`` does. HTTP goes through a Gate, where Python checks.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._container: Any = None
        self._gate: Gate | None = None
        self._said: list[str] = []

    def open(self, template: Any, clock: Fraction) -> Any:
        """Connect; the stream that packets are for.

        Arguments:
            template: a video stream of the same kind.
            clock: the time base of the packets.

        Raises:
            av.error.FFmpegError, OSError, ValueError: it cannot be had; see ``reason``.
        """
        order = self._order
        if order["tidy"]:
            tidy(Path(order["url"]))
        with ExitStack() as until_open, av.logging.Capture(local=False) as logs:
            url, muxer, options = self._way(until_open)
            try:
                self._container = av.open(url, "w", format=muxer, options=options)
                stream = self._container.add_stream_from_template(template)
                stream.time_base = clock
                self._container.start_encoding()
            finally:
                self._said = [text.strip() for _, who, text in logs if who != "tee"]
        return stream

    def mux(self, packet: Any) -> None:
        """Send a packet.

        Raises:
            av.error.FFmpegError, OSError: the target will have no more.
        """
        self._container.mux(packet)
        if self._gate is not None and (fault := self._gate.fault()):
            raise OSError(fault)

    def close(self) -> None:
        """End the stream in good order, as far as that is possible."""
        if self._container is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._container.close()
        self.abandon()

    def abandon(self) -> None:
        """Leave nothing running."""
        if self._gate is not None:
            self._gate.close()

    def reason(self, error: Exception) -> str:
        """What a person is told: what was logged first is the cause, the error what came of it."""
        if self._gate is not None and (fault := self._gate.late_fault()):
            return fault
        text = getattr(error, "strerror", None) or str(error)
        log = getattr(error, "log", None)
        said = self._said[:1] or ([log[2].strip()] if log else [])
        if any("certificate" in each for each in said):
            return f"its certificate is not to be trusted ({said[0]}){_HINT}"
        return f"{text} ({said[0]})" if said else text

    def _way(self, until_open: ExitStack) -> tuple[str, str, dict[str, str]]:
        """Address, muxer and options for FFmpeg."""
        order = self._order
        url, muxer, options = order["url"], order["muxer"], dict(order["options"])
        scheme = url.partition(":")[0].lower()
        if scheme in ("http", "https"):
            self._gate = Gate(url, order["verify"], order["ca"])
            url = self._gate.url
        if muxer == "whip":
            options |= _own_certificate(until_open)
        if scheme in ("rtmps", "rtsps") and order["verify"]:
            options |= {"tls_verify": "1", "ca_file": bundle(order["ca"])}
        if scheme == "rtmps":
            return through_tee(url, muxer, options), "tee", {}
        return url, muxer, options


def bundle(ca: str) -> str:
    """The file of certificates to check by.

    Raises:
        ValueError: there is none.
    """
    for each in (ca or ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if each and Path(each).exists():
            return each
    raise ValueError("no certificates of authorities are on this system: say #ca=FILE")


def through_tee(url: str, muxer: str, options: dict[str, str]) -> str:
    """The address that FFmpeg's muxer ``tee`` takes for one target with options."""
    pairs = {"f": muxer, **options}
    told = ":".join(f"{name}={_escaped(value, ':]')}" for name, value in pairs.items())
    return _escaped(f"[{told}]{url}", "|")


def tidy(playlist: Path) -> None:
    """Remove segments that an earlier run, which was killed, has left beside a playlist."""
    playlist.parent.mkdir(parents=True, exist_ok=True)
    ours = re.compile(re.escape(playlist.stem) + r"\d+\.ts")
    for each in playlist.parent.iterdir():
        if ours.fullmatch(each.name):
            each.unlink(missing_ok=True)


def _escaped(text: str, marks: str) -> str:
    return "".join("\\" + each if each in marks + "\\'" else each for each in text)


def _own_certificate(until_open: ExitStack) -> dict[str, str]:
    """A certificate for DTLS: FFmpeg's own is on a curve that OpenSSL takes from nobody (P-224)."""
    from twistedcam.tls.certificate import CERTIFICATE, KEY, make_certificate

    folder = Path(until_open.enter_context(tempfile.TemporaryDirectory(prefix="twistedcam-")))
    make_certificate(folder, ["twistedcam"], datetime.now(UTC), days=365)
    return {"cert_file": str(folder / CERTIFICATE), "key_file": str(folder / KEY)}
