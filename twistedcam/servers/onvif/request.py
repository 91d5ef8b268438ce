"""A request of an ONVIF client: what it may see, and the addresses by which it sees it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree.ElementTree import Element

from twistedcam.auth import Grant
from twistedcam.media.track import Track
from twistedcam.net.addresses import IPAddress, parse_ip
from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import Xml, text
from twistedcam.servers.onvif.pull_points import PullPoints
from twistedcam.util.camera_name import url_safe

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.net.listener import Listener
    from twistedcam.servers.http.connection.request import HttpRequest

#: A Host header whose value can be a part of an address.
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?P<port>:[0-9]{1,5})?")
#: The end of the token of a camera's second, smaller profile. No camera's name has a tilde.
_SMALL = "~small"
#: The size that the picture of the smaller profile fits into.
SMALL_SIZE = (640, 360)
#: What is said of a camera that has not had a picture yet.
_USUAL_SIZE, _USUAL_RATE = (1280, 720), 25.0


@dataclass(frozen=True)
class StreamProfile:
    """A camera as a profile of ONVIF: its video in one size.

    Arguments:
        camera: the camera.
        is_small: True for the smaller one of its two.
    """

    camera: Camera
    is_small: bool = False

    @property
    def token(self) -> str:
        """The token by which clients name it."""
        return self.source + _SMALL * self.is_small

    @property
    def source(self) -> str:
        """The token of its camera."""
        return url_safe(self.camera.name)

    @property
    def name(self) -> str:
        """The name that people see."""
        name = self.camera.title or self.camera.name
        return f"{name} (small)" if self.is_small else name

    @property
    def camera_size(self) -> tuple[int, int]:
        """Width and height of the camera's picture in pixels."""
        camera = self.camera
        return (camera.width, camera.height) if camera.width else _USUAL_SIZE

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video in pixels."""
        width, height = self.camera_size
        if not self.is_small:
            return width, height
        scale = min(1.0, SMALL_SIZE[0] / width, SMALL_SIZE[1] / height)
        return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)

    @property
    def rate(self) -> int:
        """Pictures a second."""
        return max(1, round(self.camera.source_info.fps or _USUAL_RATE))

    @property
    def audio(self) -> Track | None:
        """The sound of the camera, if there is some."""
        return next((each for each in self.camera.stream.tracks if each.kind == "audio"), None)

    def sound(self, names: Mapping[str, str]) -> tuple[str, int] | None:
        """Return the name of the sound's codec and its sample rate in kHz, or None.

        Arguments:
            names: the codecs for which a service has a name, and these.
        """
        track = self.audio
        if track is None or track.codec not in names:
            return None
        return names[track.codec], max(1, round((track.rate or 8000) / 1000))

    @property
    def is_h265(self) -> bool:
        """True if its video is H.265 where a client may have that."""
        return not self.is_small and self.camera.stream.codec == "hevc"

    def query(self, *, is_native: bool) -> str:
        """Return the query of its RTSP address.

        Arguments:
            is_native: True if the video may be H.265. ONVIF Media 1 does not have it.
        """
        if self.is_small:
            return "?size={}x{}".format(*SMALL_SIZE)
        return "?codec=h264" if self.is_h265 and not is_native else ""


@dataclass(frozen=True)
class OnvifRequest:
    """One request.

    Arguments:
        server: the server.
        http: the HTTP request.
        grant: the rights of its login.
        body: the element that names the action.
        device_id: the UUID of the server.
        rtsp: the ports of RTSP.
        pull_points: the subscriptions to events, of all clients.
        path: the last part of the path that it was sent to, such as ``device_service``.
    """

    server: Server
    http: HttpRequest
    grant: Grant
    body: Element
    device_id: str
    rtsp: Sequence[Listener]
    pull_points: PullPoints
    path: str

    def argument(self, *path: str) -> str:
        """Return the text of an element of the request; empty if there is none."""
        return text(self.body, *path)

    @property
    def local_address(self) -> IPAddress | None:
        """The address of this machine that the client has reached."""
        return parse_ip(getattr(self.http.channel.transport.getHost(), "host", None) or "")

    @property
    def host(self) -> str:
        """The host name or address of this server, as the client knows it; IPv6 in brackets."""
        found = _HOST.fullmatch(self.http.getHeader("Host") or "")
        if found is not None:
            return found["name"]
        address = self.local_address
        return f"[{address}]" if address is not None and address.version == 6 else str(address)

    @property
    def base(self) -> str:
        """The address of this server without a path, as the client knows it."""
        found = _HOST.fullmatch(self.http.getHeader("Host") or "")
        here = self.http.channel.transport.getHost()
        port = found["port"] or "" if found else f":{getattr(here, 'port', 80)}"
        return f"http{'s' * self.http.isSecure()}://{self.host}{port}"

    def service(self, name: str) -> str:
        """Return the address of a service."""
        return self.service_address(f"{name}_service")

    def service_address(self, path: str) -> str:
        """Return the address below the path of ONVIF."""
        return f"{self.base}/onvif/{path}"

    @property
    def has_ptz(self) -> bool:
        """True if a camera of the server can be moved."""
        return any(each.ptz.is_available for each in self.server.channels.values())

    def profiles(self) -> list[StreamProfile]:
        """Return the profiles of all cameras that the client may see."""
        return [
            StreamProfile(camera, is_small)
            for name, camera in self.server.cameras.items()
            if self.grant.covers(name)
            for is_small in (False, True)
        ]

    def main_profiles(self) -> list[StreamProfile]:
        """Return the first profile of each camera."""
        return [each for each in self.profiles() if not each.is_small]

    def profile(self, token: str) -> StreamProfile:
        """Return a profile.

        Raises:
            SoapFault: there is none with that token.
        """
        for each in self.profiles():
            if each.token == token:
                return each
        raise SoapFault("there is no such profile", "ter:InvalidArgVal", "ter:NoProfile")

    def snapshot_address(self, profile: StreamProfile) -> str:
        """Return the address of the newest picture of a profile's camera."""
        return f"{self.base}/snapshot/{quote(profile.source)}"

    def rtsp_address(self, profile: StreamProfile, *, is_native: bool = False) -> str:
        """Return the address of a profile's video.

        Arguments:
            is_native: True if it may be H.265.

        Raises:
            SoapFault: there is no RTSP port that the client can reach as it has reached this one.
        """
        for listener in self.rtsp:
            bound = listener.bound_to
            if bound is not None and (bound[0].is_unspecified or bound[0] == self.local_address):
                start = f"rtsp{'s' * listener.is_tls}://{self.host}:{bound[1]}"
                return f"{start}/{quote(profile.source)}{profile.query(is_native=is_native)}"
        raise SoapFault(
            "this server has no RTSP port at this address: start it with --rtsp 0.0.0.0:8554",
            "ter:Action",
            "ter:IncompleteConfiguration",
            is_sender=False,
        )


#: Returns the content of the body of the answer.
Action = Callable[[OnvifRequest], Xml | Awaitable[Xml]]
