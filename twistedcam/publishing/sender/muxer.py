"""FFmpeg's muxers for a target, with certificates checked for every protocol."""

from __future__ import annotations

import io
import re
import ssl
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.logging

from twistedcam.media.mp4_fragment import fragment, init_segment
from twistedcam.media.packet import Packet
from twistedcam.media.track import AUDIO, Track
from twistedcam.publishing.sender.protocol import UNTRUSTED, SenderConfig, SoundConfig

if TYPE_CHECKING:
    from twistedcam.publishing.sender.hls_upload import HlsUpload
    from twistedcam.publishing.sender.whip_proxy import WhipProxy

#: Files of certificate authorities on several systems: FFmpeg's GnuTLS needs one file.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
#: The least distance of two packets of a stream in time, in seconds: FLV counts milliseconds.
_LEAST_STEP = Fraction(1, 1000)
#: Microseconds for which FFmpeg holds back pictures while sound is late.
_INTERLEAVE = "200000"
#: Parts of FFmpeg whose log lines name no cause: the muxer that passes packets on to others, and
#: the decoder that is shown the sound before there is any.
_NO_CAUSE = ("tee", "aac", "libopus", "opus")


class Muxer:
    """Sends packets to a target by FFmpeg.

    FFmpeg's RTSP checks certificates. Its RTMP can, but gets no options from PyAV, only from the
    muxer ``tee``. Its HLS and WHIP cannot: HLS is written to memory and uploaded by Python, and
    WHIP uses a proxy.
    """

    def __init__(self, config: SenderConfig) -> None:
        self._config = config
        self._container: Any = None
        self._web: HlsUpload | WhipProxy | None = None
        self._logged: list[str] = []
        #: The time of decoding of each stream's last packet, in steps of the packets' clock.
        self._last_dts: dict[int, int] = {}

    def open(self, template: Any, clock: Fraction) -> tuple[Any, Any]:
        """Connect; return the streams for the packets of video and of sound (None: no sound).

        Arguments:
            template: a video stream with the same parameters.
            clock: the time base of the packets.

        Raises:
            av.error.FFmpegError, OSError, ValueError: an error of the target (``reason``).
        """
        with ExitStack() as files, av.logging.Capture(local=False) as logs:
            arguments = self._arguments(files)
            try:
                self._container = av.open(mode="w", **arguments)
                stream = self._container.add_stream_from_template(template)
                stream.time_base = clock
                sound = self._add_sound(clock)
                self._container.start_encoding()
            finally:
                self._logged = [text.strip() for _, who, text in logs if who not in _NO_CAUSE]
        return stream, sound

    def _add_sound(self, clock: Fraction) -> Any:
        described = self._config["sound"]
        if described is None:
            return None
        # WebRTC always says two channels, whatever each packet has (RFC 7587, 7).
        channels = 2 if self._config["muxer"] == "whip" else described["channels"]
        with open_sound({**described, "channels": channels}) as template:
            sound = self._container.add_stream_from_template(template.streams.audio[0])
        sound.time_base = clock
        return sound

    def mux(self, packet: Any) -> None:
        """Send a packet. It may be moved by a millisecond: no muxer takes two at the same time.

        Raises:
            av.error.FFmpegError, OSError: an error of the target (``reason``).
        """
        last = self._last_dts.get(packet.stream.index)
        if last is not None:
            packet.dts = max(packet.dts, last + int(_LEAST_STEP / packet.time_base))
            packet.pts = max(packet.pts, packet.dts)
        self._last_dts[packet.stream.index] = packet.dts
        self._container.mux(packet)
        if self._web is not None:
            self._web.check()

    def close(self) -> None:
        """End the stream. Errors are ignored."""
        if self._container is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._container.close()

    def reason(self, error: Exception) -> str:
        """Return the reason of an error, with the first line that FFmpeg has logged, its cause."""
        if self._web is not None:
            try:
                self._web.check()
            except OSError as fault:
                return str(fault)
        text = getattr(error, "strerror", None) or str(error)
        log = getattr(error, "log", None)
        logged = self._logged[:1] or ([log[2].strip()] if log else [])
        if any("certificate" in each for each in logged):
            return UNTRUSTED.format(logged[0])
        return f"{text} ({logged[0]})" if logged else text

    def _arguments(self, files: ExitStack) -> dict[str, Any]:
        """Return the arguments of ``av.open``: address, muxer, options."""
        config = self._config
        url, muxer, options = config["url"], config["muxer"], dict(config["options"])
        if config["sound"] is not None:
            options["max_interleave_delta"] = _INTERLEAVE
        scheme = url.partition(":")[0].lower()
        arguments: dict[str, Any] = {"file": url, "format": muxer, "options": options}
        if muxer == "whip":
            from twistedcam.publishing.sender.whip_proxy import WhipProxy

            self._web = WhipProxy(config)
            arguments["file"] = self._web.url
            options |= _dtls_certificate(files)
        elif scheme in ("http", "https"):
            from twistedcam.publishing.sender.hls_upload import HlsUpload

            self._web = HlsUpload(config)
            arguments |= {"file": self._web.url, "io_open": self._web.io_open}
        elif muxer == "hls":
            remove_old_segments(Path(url))
        if scheme in ("rtmps", "rtsps") and config["verify"]:
            options |= {"tls_verify": "1", "ca_file": ca_bundle(config["ca"])}
        if scheme == "rtmps":
            tee = tee_url(url, muxer, options)
            arguments = {"file": tee, "format": "tee"}
            if config["sound"] is not None:
                arguments["options"] = {"max_interleave_delta": _INTERLEAVE}
        return arguments


def ca_bundle(ca: str) -> str:
    """Return a file of trusted certificates.

    Raises:
        ValueError: the system has none.
    """
    for each in (ca or ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if each and Path(each).exists():
            return each
    raise ValueError("this system has no file of certificate authorities: add #ca=FILE")


def tee_url(url: str, muxer: str, options: dict[str, str]) -> str:
    """Return the address of a target with its options for FFmpeg's muxer ``tee``."""
    pairs = {"f": muxer, **options}
    words = ":".join(f"{name}={_escaped(value, ':]')}" for name, value in pairs.items())
    return _escaped(f"[{words}]{url}", "|")


def open_sound(described: SoundConfig) -> Any:
    """Open a file with a packet of this sound: FFmpeg takes a description from nowhere else."""
    codec, rate, channels = described["codec"], described["rate"], described["channels"]
    if codec.startswith("pcm_"):
        options = {"sample_rate": str(rate), "ch_layout": f"{channels}c"}
        data, format = bytes(rate // 10), codec.removeprefix("pcm_")
        return av.open(io.BytesIO(data), format=format, options=options)
    extradata = bytes.fromhex(described["extradata"])
    if codec == "opus":
        extradata = extradata[:9] + bytes([channels]) + extradata[10:]
    track = Track(AUDIO, "audio", codec, 0, 0, Fraction(rate), channels, extradata)
    silence = Packet(track, 1, 0, 0, b"\xf8\xff\xfe")
    return av.open(io.BytesIO(init_segment([track]) + fragment(silence)), format="mp4")


def remove_old_segments(playlist: Path) -> None:
    """Remove segments beside a playlist, which a killed sender has left."""
    playlist.parent.mkdir(parents=True, exist_ok=True)
    ours = re.compile(re.escape(playlist.stem) + r"\d+\.ts")
    for each in playlist.parent.iterdir():
        if ours.fullmatch(each.name):
            each.unlink(missing_ok=True)


def _escaped(text: str, marks: str) -> str:
    return "".join("\\" + each if each in marks + "\\'" else each for each in text)


def _dtls_certificate(files: ExitStack) -> dict[str, str]:
    """Make a certificate for DTLS. FFmpeg's own uses P-224, a curve that OpenSSL rejects."""
    from twistedcam.tls.certificate import CERTIFICATE, KEY, make_certificate

    folder = Path(files.enter_context(tempfile.TemporaryDirectory(prefix="twistedcam-")))
    make_certificate(folder, ["twistedcam"], datetime.now(UTC), days=365)
    return {"cert_file": str(folder / CERTIFICATE), "key_file": str(folder / KEY)}
