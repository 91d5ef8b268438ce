"""Sources that are addresses on the net: what is theirs, what is ours, and what nobody may see."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

SCHEMES = frozenset(
    {
        *("http", "https"),
        *("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp", "ffmpeg"),
        *("twistedcam", "twistedcams", "twistedcam+unix"),
    }
)

#: What stands behind these is a path on this machine: relative perhaps, with any sign in it.
_PATHS = frozenset({"file", "folder"})
_SECRET = re.compile(
    r"pass|pwd|token|key|auth|secret|user|usr|login|account|sig|streamid", re.IGNORECASE
)
_HIDDEN = "***"
#: What may stand between // and the path if there is no user: a host, and perhaps a port.
_HOST = re.compile(r"([^:\[\]]+|\[[^\[\]]*\])(:\d*)?")


def split_settings(rest: str, common: Collection[str]) -> tuple[str, dict[str, str]]:
    """What stands behind a scheme, as the address that the peer gets, and our settings.

    The query is the peer's, but for the settings that all sources have. Behind ``#`` stand
    settings that are ours alone; if there are any, the whole query is the peer's.
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
    """The other way round."""
    return f"{address}#{urlencode(settings, safe=':/,')}" if settings else address


def unknown_setting(name: str, of: str, known: Collection[str]) -> str:
    """What to say of a setting that there is not; behind a lone ``#`` may stand half a password.

    Arguments:
        of: what has no such setting.
        known: those that it has.
    """
    has = f"it has {', '.join(known)}"
    if re.fullmatch("[a-z][a-z_]{0,20}", name):
        return f"{of} has no setting {name!r}: {has}"
    return f"{of} has no such setting (a # that belongs to the address is written %23): {has}"


def without_secrets(text: str) -> str:
    """An address in which user, password, and whatever looks like a key are stars."""
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
    if "@" in parts.fragment:  # a password with a # in it, which should have been %23
        return f"{parts.scheme}://{_HIDDEN}@{parts.fragment.rpartition('@')[2]}"
    if "@" in netloc:
        netloc = f"{_HIDDEN}@{netloc.rpartition('@')[2]}"
    elif "@" in rest and not _has_host(parts.scheme, netloc):  # a / in it, or no // before it
        return without_secrets(f"{parts.scheme}://{_HIDDEN}@{rest.rpartition('@')[2]}")
    path = without_key(parts.path) if parts.scheme in ("rtmp", "rtmps") else parts.path
    words = (_hide(word) for word in parts.query.split("&"))
    shown = parts._replace(netloc=netloc, path=path, query="&".join(words))
    if parts.scheme and not rest.startswith("//"):
        # geturl() would give file: a host, and make its path begin at the root.
        return f"{scheme}{colon}{shown._replace(scheme='').geturl()}"
    return shown.geturl()


def without_key(path: str) -> str:
    """A path on an RTMP server without what stands behind the application: that is the key."""
    first, slash, key = path.lstrip("/").partition("/")
    return f"/{first}{slash}{_HIDDEN if key else ''}" if first else path


def _has_host(scheme: str, netloc: str) -> bool:
    """Whether what looks like the host of an address is one, and not half a password."""
    if not netloc:
        return scheme not in SCHEMES or scheme == "twistedcam+unix"
    return _HOST.fullmatch(netloc) is not None


def _hide(word: str) -> str:
    name, equals, _ = word.partition("=")
    return f"{name}={_HIDDEN}" if equals and _SECRET.search(name) else word
