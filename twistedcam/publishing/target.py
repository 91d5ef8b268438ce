"""Publish targets, such as ``rtmp://a.example/live/KEY#name=show&bitrate=4M``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.errors import BadArgument
from twistedcam.net.urls import unknown_setting, without_key
from twistedcam.recording.settings import RecordSettings
from twistedcam.runtime.home import expand_home
from twistedcam.util import quantities
from twistedcam.util.camera_name import check_name
from twistedcam.util.schema import read_switch

_HIDDEN = "***"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
#: FFmpeg's muxer by scheme; ``hls:`` and ``whip:`` are followed by another address.
_MUXERS = {
    **dict.fromkeys(("rtmp", "rtmps"), "flv"),
    **dict.fromkeys(("rtsp", "rtsps"), "rtsp"),
    **{each: each for each in ("hls", "whip")},
}
#: Codecs of sound by muxer.
_SOUNDS = {
    "flv": ("aac",),
    "rtsp": ("aac", "opus", "pcm_alaw", "pcm_mulaw"),
    "hls": ("aac",),
    "whip": ("opus",),
}
#: Settings of the encoder. With one of them, video is encoded even if the camera does it, too.
_ENCODER_SETTINGS = ("encoder", "crf", "preset", "bitrate")
SETTINGS = ("name", *_ENCODER_SETTINGS, "audio", "token", "ca", "verify")
_EXAMPLES = (
    "rtmp://HOST/APP/KEY, rtsp://HOST/PATH, hls:FOLDER, hls:https://HOST/live.m3u8, whip:URL"
)
#: Seconds of a segment, and the segments of a playlist. Players start three before its end.
_SEGMENT, _SEGMENTS = 1, 6


@dataclass(frozen=True)
class PublishTarget:
    """A target that video is published to.

    Arguments:
        scheme: ``rtmp``, ``rtmps``, ``rtsp``, ``rtsps``, ``hls`` or ``whip``.
        url: the address. It must not be shown, because it may contain keys.
        name: its name in commands.
        encoding: the settings of the encoder.
        is_encoded: True to encode even if the camera gives a codec that the target takes.
        has_sound: True to send the camera's sound, too.
        token: the bearer token for WHIP.
        ca: file of trusted certificates; those of the system if empty.
        verify: True if the server's certificate is checked.
    """

    scheme: str
    url: str = field(repr=False)
    name: str
    encoding: H264Settings = field(default_factory=H264Settings)
    token: str = field(default="", repr=False)
    ca: str = ""
    verify: bool = True
    is_encoded: bool = False
    has_sound: bool = True

    @property
    def muxer(self) -> str:
        """The name of FFmpeg's muxer."""
        return _MUXERS[self.scheme]

    @property
    def codecs(self) -> tuple[str, ...]:
        """The codecs that it takes, the best first."""
        return ("h264", "hevc") if self.muxer == "rtsp" else ("h264",)

    @property
    def sounds(self) -> tuple[str, ...]:
        """The codecs of sound that it takes; the first that can be encoded is made of others."""
        return _SOUNDS[self.muxer] if self.has_sound else ()

    @property
    def is_folder(self) -> bool:
        """True for HLS files on this machine."""
        return self.scheme == "hls" and not _is_web(self.url)

    @property
    def shown(self) -> str:
        """The address without possible keys: passwords, queries, paths of RTMP and WHIP."""
        before = f"{self.scheme}:" if self.scheme in ("hls", "whip") else ""
        if self.is_folder:
            return before + self.url
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        user = f"{_HIDDEN}@" if "@" in parts.netloc else ""
        path = parts.path
        if self.scheme in ("rtmp", "rtmps", "whip"):
            path = without_key(path)
        query = f"?{_HIDDEN}" if parts.query else ""
        return f"{before}{parts.scheme}://{user}{host}{path}{query}"

    def options(self) -> dict[str, str]:
        """Return the options of FFmpeg's muxer."""
        if self.muxer == "flv":
            return {"flvflags": "no_duration_filesize"}
        if self.muxer == "rtsp":
            return {"rtsp_transport": "tcp"}
        if self.muxer == "whip":
            return {"authorization": self.token} if self.token else {}
        options = {
            "hls_time": str(_SEGMENT),
            "hls_list_size": str(_SEGMENTS),
            "hls_delete_threshold": "2",
            "hls_flags": "delete_segments+independent_segments+omit_endlist+program_date_time",
            "hls_start_number_source": "epoch",
            "hls_allow_cache": "0",
        }
        if self.is_folder:
            options["hls_flags"] += "+temp_file"
        else:
            options["method"] = "PUT"  # and DELETE of old segments
        return options

    def without_secrets(self, text: str) -> str:
        """Replace possible keys of the address in a text by ``***``."""
        text = text.replace(self.url, self.shown)
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text

    def _secrets(self) -> set[str]:
        if self.is_folder:
            return set()
        parts = urlsplit(self.url)
        found = {self.token, parts.password or "", parts.username or "", parts.query}
        found |= {value for _, value in parse_qsl(parts.query)}
        if self.scheme in ("rtmp", "rtmps", "whip"):
            found |= set(parts.path.lstrip("/").partition("/")[2:])
        return {each for each in found if len(each) > 2}


def parse_target(text: str) -> PublishTarget:
    """Parse a target with settings after ``#``.

    Raises:
        BadArgument: the address or a setting is not valid.
    """
    address, _, fragment = text.strip().partition("#")
    scheme, colon, rest = address.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _MUXERS:
        raise BadArgument(f"video cannot be published to {scheme[:40]!r}: write {_EXAMPLES}")
    given = dict(parse_qsl(fragment, keep_blank_values=True))
    for name in given:
        if name not in SETTINGS:
            raise BadArgument(unknown_setting(name, f"a {scheme} target", SETTINGS))
    url = _folder(rest) if scheme == "hls" and not _is_web(rest) else rest
    if scheme not in ("hls", "whip"):
        url = address
    if scheme != "hls" or _is_web(url):
        _check_host(scheme, url)
    name = given.get("name", scheme)
    if not _NAME.fullmatch(name):
        raise BadArgument(f"name={name!r} is not valid: letters a to z, digits, '_', '.' and '-'")
    audio = read_switch(given.get("audio", True), "audio")
    ca, verify = given.get("ca", ""), given.get("verify", "1")
    if ca and not Path(ca).is_file():
        raise BadArgument(f"ca={ca!r} is not valid: there is no such file")
    if verify not in ("0", "1"):
        raise BadArgument(f"verify={verify!r} is not valid: 1 (certificates are checked) or 0")
    return PublishTarget(
        scheme,
        url,
        name,
        _encoder_settings(scheme, given),
        given.get("token", ""),
        ca,
        verify == "1",
        any(each in given for each in _ENCODER_SETTINGS),
        audio,
    )


def parse_publish(text: str) -> tuple[str | None, PublishTarget]:
    """Parse ``[CAMERA=]URL`` of the command line. Without a camera, the first value is None.

    Raises:
        BadArgument: see parse_target.
    """
    name, equals, url = text.partition("=")
    if not equals or ":" in name:
        return None, parse_target(text)
    return check_name(name), parse_target(url)


def _is_web(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _folder(text: str) -> str:
    """Return the path of a playlist, given that or the path of its folder."""
    if not text or "://" in text:
        raise BadArgument("hls: needs a folder (hls:/srv/www/cam) or hls:https://HOST/live.m3u8")
    path = expand_home(text).absolute()
    return str(path if path.suffix == ".m3u8" else path / "live.m3u8")


def _check_host(scheme: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    try:
        _ = host and parts.port
    except ValueError:
        raise BadArgument(f"a {scheme} target's port is a number from 0 to 65535") from None
    if not host:
        raise BadArgument(f"a {scheme} target needs a host: write {_EXAMPLES}")
    if scheme == "whip" and not _is_web(url):
        raise BadArgument("whip: needs a web address: whip:https://HOST/PATH")


def _encoder_settings(scheme: str, given: dict[str, str]) -> H264Settings:
    recording: dict[str, str] = {name: given[name] for name in ("crf", "preset") if name in given}
    settings = RecordSettings.from_mapping(recording)
    bitrate = quantities.bitrate(given["bitrate"], "bitrate") if "bitrate" in given else None
    encoder = given.get("encoder", H264Settings.encoder)
    made = H264Settings(encoder, settings.crf, settings.preset, bitrate)
    return replace(made, keyframes=float(_SEGMENT)) if scheme == "hls" else made
