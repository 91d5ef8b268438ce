"""The address of a camera that speaks ONVIF: of its own source, or beside one of RTSP."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from twistedcam.errors import BadArgument
from twistedcam.net.urls import without_secrets
from twistedcam.sources.spec import SourceSpec

#: The path of the device service, if none is given (ONVIF Core, 5.1.1).
DEVICE_PATH = "/onvif/device_service"


@dataclass(frozen=True)
class OnvifAddress:
    """The address of a camera.

    Arguments:
        url: that of its device service.
        user, password: decoded; None if the address has none.
        profile: token or name of a profile; empty for the first.
    """

    url: str
    user: str | None = None
    password: str | None = None
    profile: str = ""

    @classmethod
    def parse(cls, address: str, path: str = DEVICE_PATH) -> OnvifAddress:
        """Parse ``onvif://USER:PASSWORD@HOST:PORT/PROFILE``; ``onvifs:`` is with TLS.

        Arguments:
            path: of the device service.

        Raises:
            ValueError: it is not valid.
        """
        parts = urlsplit(address)
        schemes = {"onvif": "http", "onvifs": "https"}
        if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
            raise ValueError("it is not an address of ONVIF: onvif://USER:PASSWORD@HOST/PROFILE")
        host = parts.netloc.rpartition("@")[2]
        return cls(
            f"{schemes[parts.scheme]}://{host}/{path.lstrip('/')}",
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
            unquote(parts.path.strip("/")),
        )

    @property
    def name(self) -> str:
        """Host and port for messages."""
        return urlsplit(self.url).netloc

    def source(self, profile: str, settings: dict[str, str]) -> SourceSpec:
        """Return the source of a profile, with the login of this address.

        Arguments:
            profile: its token.
            settings: of the source, without ``path``.
        """
        parts = urlsplit(self.url)
        login = ""
        if self.user is not None:
            password = "" if self.password is None else f":{quote(self.password, safe='')}"
            login = f"{quote(self.user, safe='')}{password}@"
        target = f"//{login}{parts.netloc}/{quote(profile, safe='')}"
        path = {} if parts.path == DEVICE_PATH else {"path": parts.path}
        scheme = "onvifs" if parts.scheme == "https" else "onvif"
        return SourceSpec(scheme, target).with_settings({**settings, **path})


def find_profiles_address(spec: SourceSpec) -> OnvifAddress | None:
    """Return the address by which the profiles of a source's camera are listed, or None.

    It is that of an ``onvif:`` source, or that by which the camera of another source is moved.

    Raises:
        BadArgument: the setting ``ptz`` is not valid.
    """
    if spec.scheme in ("onvif", "onvifs"):
        return _own_address(spec)
    return find_onvif_address(spec)


def find_onvif_address(spec: SourceSpec) -> OnvifAddress | None:
    """Return the address by which a source's camera is moved, or None.

    It is that of an ``onvif:`` source, unless that has ``ptz=0``. An ``rtsp:`` source has one with
    ``ptz=onvif://…``, or with ``ptz=1`` that of the same host; without a login of its own, with
    that of the source.

    Raises:
        BadArgument: the setting ``ptz`` is not valid.
    """
    wanted = spec.settings.get("ptz", "")
    address = f"{spec.scheme}:{spec.target}"
    if spec.scheme in ("onvif", "onvifs"):
        if wanted not in ("", "0", "1"):
            raise BadArgument(f"ptz={wanted!r} is not valid: an {spec.scheme}: source has 0 or 1")
        return None if wanted == "0" else _own_address(spec)
    if spec.scheme not in ("rtsp", "rtsps") or wanted in ("", "0"):
        return None
    parts = urlsplit(address)
    if wanted == "1":
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        wanted = f"onvif://{host}"
    own = urlsplit(wanted)
    if not own.username and parts.username is not None:
        login = parts.netloc.rpartition("@")[0]
        wanted = own._replace(netloc=f"{login}@{own.netloc}").geturl()
    try:
        return OnvifAddress.parse(wanted)
    except ValueError:
        shown = without_secrets(wanted)
        raise BadArgument(
            f"ptz={shown!r} is not valid: it is 0, 1 for the same host, or onvif://HOST/PROFILE"
        ) from None


def _own_address(spec: SourceSpec) -> OnvifAddress:
    """Return the address of an ``onvif:`` source."""
    path = spec.settings.get("path", DEVICE_PATH)
    return OnvifAddress.parse(f"{spec.scheme}:{spec.target}", path)
