"""Sends packets to a target by FFmpeg, with certificates checked for every protocol."""

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
from twistedcam.publishing.sender.protocol import SenderConfig

#: Where systems keep the certificates of authorities in one file, as FFmpeg's GnuTLS wants it.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_HINT = "; for one that signs itself say #ca=FILE"


class Muxer:
    """FFmpeg's container for a target.

    RTSP checks certificates by itself. FFmpeg's RTMP can, but PyAV hands it no options; its muxer
    ``tee`` does. HTTP goes through a Gate, where Python checks.
    """

    def __init__(self, config: SenderConfig) -> None:
        self._config = config
        self._container: Any = None
        self._gate: Gate | None = None
        self._logged: list[str] = []

    def open(self, template: Any, clock: Fraction) -> Any:
        """Connect; return the stream that packets belong to.

        Arguments:
            template: a video stream with the same parameters.
            clock: the time base of the packets.

        Raises:
            av.error.FFmpegError, OSError, ValueError: the target refuses; see ``reason``.
        """
        config = self._config
        if config["tidy"]:
            remove_old_segments(Path(config["url"]))
        with ExitStack() as files, av.logging.Capture(local=False) as logs:
            url, muxer, options = self._ffmpeg_target(files)
            try:
                self._container = av.open(url, "w", format=muxer, options=options)
                stream = self._container.add_stream_from_template(template)
                stream.time_base = clock
                self._container.start_encoding()
            finally:
                self._logged = [text.strip() for _, who, text in logs if who != "tee"]
        return stream

    def mux(self, packet: Any) -> None:
        """Send a packet.

        Raises:
            av.error.FFmpegError, OSError: the target refuses.
        """
        self._container.mux(packet)
        if self._gate is not None and (fault := self._gate.fault()):
            raise OSError(fault)

    def close(self) -> None:
        """End the stream, if the target still accepts that."""
        if self._container is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._container.close()
        self.abandon()

    def abandon(self) -> None:
        """End the gate without ending the stream."""
        if self._gate is not None:
            self._gate.close()

    def reason(self, error: Exception) -> str:
        """Return the reason of an error: what FFmpeg logged first is the cause of it."""
        if self._gate is not None and (fault := self._gate.late_fault()):
            return fault
        text = getattr(error, "strerror", None) or str(error)
        log = getattr(error, "log", None)
        logged = self._logged[:1] or ([log[2].strip()] if log else [])
        if any("certificate" in each for each in logged):
            return f"its certificate is not to be trusted ({logged[0]}){_HINT}"
        return f"{text} ({logged[0]})" if logged else text

    def _ffmpeg_target(self, files: ExitStack) -> tuple[str, str, dict[str, str]]:
        """Return address, muxer and options for FFmpeg."""
        config = self._config
        url, muxer, options = config["url"], config["muxer"], dict(config["options"])
        scheme = url.partition(":")[0].lower()
        if scheme in ("http", "https"):
            self._gate = Gate(url, config["verify"], config["ca"])
            url = self._gate.url
        if muxer == "whip":
            options |= _dtls_certificate(files)
        if scheme in ("rtmps", "rtsps") and config["verify"]:
            options |= {"tls_verify": "1", "ca_file": ca_bundle(config["ca"])}
        if scheme == "rtmps":
            return tee_url(url, muxer, options), "tee", {}
        return url, muxer, options


def ca_bundle(ca: str) -> str:
    """Return the file of certificates to check by.

    Raises:
        ValueError: the system has none.
    """
    for each in (ca or ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if each and Path(each).exists():
            return each
    raise ValueError("no certificates of authorities are on this system: say #ca=FILE")


def tee_url(url: str, muxer: str, options: dict[str, str]) -> str:
    """Return the address of one target with options for FFmpeg's muxer ``tee``."""
    pairs = {"f": muxer, **options}
    words = ":".join(f"{name}={_escaped(value, ':]')}" for name, value in pairs.items())
    return _escaped(f"[{words}]{url}", "|")


def remove_old_segments(playlist: Path) -> None:
    """Remove segments beside a playlist that an earlier run has left, which was killed."""
    playlist.parent.mkdir(parents=True, exist_ok=True)
    ours = re.compile(re.escape(playlist.stem) + r"\d+\.ts")
    for each in playlist.parent.iterdir():
        if ours.fullmatch(each.name):
            each.unlink(missing_ok=True)


def _escaped(text: str, marks: str) -> str:
    return "".join("\\" + each if each in marks + "\\'" else each for each in text)


def _dtls_certificate(files: ExitStack) -> dict[str, str]:
    """Make a certificate for DTLS: FFmpeg's own is on P-224, a curve that OpenSSL refuses."""
    from twistedcam.tls.certificate import CERTIFICATE, KEY, make_certificate

    folder = Path(files.enter_context(tempfile.TemporaryDirectory(prefix="twistedcam-")))
    make_certificate(folder, ["twistedcam"], datetime.now(UTC), days=365)
    return {"cert_file": str(folder / CERTIFICATE), "key_file": str(folder / KEY)}
