"""URLs of sources and publish targets: splitting off settings, and hiding secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

SCHEMES = frozenset(
    {
        *("http", "https", "onvif", "onvifs"),
        *("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp", "ffmpeg"),
        *("twistedcam", "twistedcams", "twistedcam+unix"),
    }
)

#: Schemes followed by a path on this machine, which may have any character.
_PATHS = frozenset({"file", "folder"})
_SECRET = re.compile(
    r"pass|pwd|token|key|auth|secret|user|usr|login|account|sig|streamid", re.IGNORECASE
)
#: Logins in a path, as recorders of XMEye have: ``/user=admin_password=x_channel=1_stream=0.sdp``.
_IN_PATH = re.compile(rf"((?:{_SECRET.pattern})[a-z]*=).+?(?=_[a-z]+=|[&/;]|$)", re.IGNORECASE)
_HIDDEN = "***"
#: Settings of a source, of which one is the address of the camera's motors with a login.
_MOTORS = re.compile(r"((?:[a-z_]+=[^&@]*&)*ptz=onvifs?://)[^@/]*@([^@]*)")
#: A host with or without a port.
_HOST = re.compile(r"([^:\[\]]+|\[[^\[\]]*\])(:\d*)?")


def split_settings(rest: str, common: Collection[str]) -> tuple[str, dict[str, str]]:
    """Split the part after a scheme into the peer's address and the settings of the source.

    The query belongs to the peer, except the settings that all sources have. Settings after ``#``
    belong to the source; if there are any, the whole query belongs to the peer.
    """
    address, _, fragment = rest.partition("#")
    ours = dict(parse_qsl(fragment, keep_blank_values=True))
    if ours:
        return address, ours
    path, question, query = address.partition("?")
    theirs = []
    for word in query.split("&"):
        name, equals, value = word.partition("=")
        if equals and name in common:
            ours.update(parse_qsl(word) or [(name, value)])
        else:
            theirs.append(word)
    query = "&".join(theirs)
    return path + (question + query if query else ""), ours


def join_settings(address: str, settings: dict[str, str]) -> str:
    """Join what ``split_settings`` splits."""
    return f"{address}#{urlencode(settings, safe=':/,')}" if settings else address


def unknown_setting(name: str, of: str, known: Collection[str]) -> str:
    """Return the error text for an unknown setting, which may be a part of a password with ``#``.

    Arguments:
        of: the source or target.
        known: its settings.
    """
    has = f"it has {', '.join(known)}"
    if re.fullmatch("[a-z][a-z_]{0,20}", name):
        return f"{of} has no setting {name!r}: {has}"
    return f"{of} has no such setting (write %23 for a # in the address): {has}"


def without_secrets(text: str) -> str:
    """Replace user, password and everything that may be a key by ``***``."""
    scheme, colon, rest = text.partition(":")
    if scheme.lower() == "ffmpeg":
        return f"{scheme}{colon}{without_secrets(rest)}"
    if scheme.lower() in _PATHS:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return f"{scheme}{colon}{_HIDDEN}"
    netloc = parts.netloc
    if (found := _MOTORS.fullmatch(parts.fragment)) and _has_host(
        parts.scheme, netloc.rpartition("@")[2]
    ):  # a setting that is an address with a login of its own
        start = without_secrets(parts._replace(fragment="").geturl())
        return f"{start}#{found[1]}{_HIDDEN}@{found[2]}"
    if "@" in parts.fragment:  # a password with a # in it, which should have been %23
        return f"{parts.scheme}://{_HIDDEN}@{parts.fragment.rpartition('@')[2]}"
    if "@" in netloc:
        netloc = f"{_HIDDEN}@{netloc.rpartition('@')[2]}"
    elif "@" in rest and not _has_host(parts.scheme, netloc):  # a / in it, or no // before it
        return without_secrets(f"{parts.scheme}://{_HIDDEN}@{rest.rpartition('@')[2]}")
    path = without_key(parts.path) if parts.scheme in ("rtmp", "rtmps") else parts.path
    path = _IN_PATH.sub(rf"\1{_HIDDEN}", path)
    words = (_hide(word) for word in parts.query.split("&"))
    shown = parts._replace(netloc=netloc, path=path, query="&".join(words))
    if parts.scheme and not rest.startswith("//"):
        # geturl() would add // after some schemes, such as file.
        return f"{scheme}{colon}{shown._replace(scheme='').geturl()}"
    return shown.geturl()


def without_key(path: str) -> str:
    """Hide the key of an RTMP path: the part after the application."""
    first, slash, key = path.lstrip("/").partition("/")
    return f"/{first}{slash}{_HIDDEN if key else ''}" if first else path


def _has_host(scheme: str, netloc: str) -> bool:
    """True if the network location is a host, and not a part of a password."""
    if not netloc:
        return scheme not in SCHEMES or scheme == "twistedcam+unix"
    return _HOST.fullmatch(netloc) is not None


def _hide(word: str) -> str:
    name, equals, _ = word.partition("=")
    return f"{name}={_HIDDEN}" if equals and _SECRET.search(name) else word
