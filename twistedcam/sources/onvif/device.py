"""A client of a camera's ONVIF services. All methods block."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element

from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.net.http_login import Login
from twistedcam.onvif.soap import NAMESPACES, SoapFault, envelope, parse_answer
from twistedcam.onvif.username_token import security_header
from twistedcam.onvif.xml import Xml, XmlError, child, children, element, text
from twistedcam.sources.base import LOGIN_REFUSED, LOGIN_WANTED
from twistedcam.sources.onvif.address import OnvifAddress
from twistedcam.sources.onvif.profiles import OnvifProfile, parse_profiles
from twistedcam.util.one_line import on_one_line

#: Seconds for one request.
TIMEOUT = 5.0
#: Bytes of an answer at most.
MAX_ANSWER = 1 << 20
#: Challenges for one request at most.
_MAX_STEPS = 3
_TYPE = "application/soap+xml; charset=utf-8"


class OnvifDevice:
    """A connection to a camera.

    Requests go to the host and port of its address only: a camera could otherwise let this program
    send requests, and its password, to other machines.

    Arguments:
        address: its address.
        verify: True if the certificate of an ``onvifs`` address must be valid.
        timeout: seconds for one request.
    """

    def __init__(
        self, address: OnvifAddress, verify: bool = True, timeout: float = TIMEOUT
    ) -> None:
        from twistedcam.sources.http_client import CameraAdapter, make_session

        self.address = address
        self._session = make_session(CameraAdapter(verify))
        self._timeout = timeout
        self._login = Login(address.user, address.password)
        #: Seconds by which the camera's clock is ahead; None while unknown.
        self._ahead: float | None = None
        self._services: dict[str, str] | None = None

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def profiles(self) -> list[OnvifProfile]:
        """Return the camera's profiles, those of H.265 only from the service Media2.

        Raises:
            CameraFailed, LoginRefused: it does not answer, or refuses.
        """
        if self.has_service("Media2"):
            with self._or_older_service():
                wanted = element("tr2:GetProfiles", element("tr2:Type", "All"))
                found = parse_profiles(self.call("Media2", wanted))
                if any(each.codec for each in found):
                    return found
        return parse_profiles(self.call("Media", element("trt:GetProfiles")))

    def profile(self) -> OnvifProfile:
        """Return the profile that the address names, or the first.

        Raises:
            CameraFailed: there is none.
        """
        return self.choose(self.profiles())

    def choose(self, profiles: list[OnvifProfile]) -> OnvifProfile:
        """Return that of the profiles which the address names, or the first.

        Raises:
            CameraFailed: there is none.
        """
        wanted = self.address.profile
        for each in profiles:
            if not wanted or wanted in (each.token, each.name):
                return each
        have = ", ".join(on_one_line(each.token) for each in profiles) or "none"
        raise CameraFailed(f"{self.address.name} has no profile {wanted!r}; it has {have}"[:300])

    def stream_url(self, profile: OnvifProfile) -> str:
        """Return the RTSP address of a profile, without a login.

        Raises:
            CameraFailed: the camera has none.
        """
        token = element("tr2:ProfileToken", profile.token)
        if self.has_service("Media2"):
            with self._or_older_service():
                protocol = element("tr2:Protocol", "RtspUnicast")
                answer = self.call("Media2", element("tr2:GetStreamUri", protocol, token))
                return self._rtsp_address(text(answer, "Uri"))
        setup = element(
            "trt:StreamSetup",
            element("tt:Stream", "RTP-Unicast"),
            element("tt:Transport", element("tt:Protocol", "RTSP")),
        )
        token = element("trt:ProfileToken", profile.token)
        answer = self.call("Media", element("trt:GetStreamUri", setup, token))
        return self._rtsp_address(text(answer, "MediaUri", "Uri"))

    def with_login(self, url: str) -> str:
        """Return an RTSP address with the user name and the password of this one."""
        if self.address.user is None:
            return url
        scheme, _, rest = url.partition("://")
        login = quote(self.address.user, safe="")
        if self.address.password is not None:
            login += f":{quote(self.address.password, safe='')}"
        return f"{scheme}://{login}@{rest}"

    def has_service(self, name: str) -> bool:
        """Return True if the camera has a service: ``Media``, ``Media2``, ``PTZ``."""
        return name in self._find_services()

    def information(self) -> dict[str, str]:
        """Return manufacturer, model and others, by their names in ONVIF."""
        answer = self.call("Device", element("tds:GetDeviceInformation"))
        return {str(each.tag).rpartition("}")[2]: (each.text or "").strip() for each in answer}

    def call(self, service: str, body: Xml) -> Element:
        """Send a message; return the first element of the answer's body.

        Arguments:
            service: as of has_service.

        Raises:
            LoginRefused: user name or password are wrong or missing.
            CameraFailed: the camera does not answer, has no such service, or refuses.
        """
        if self._ahead is None and self.address.user is not None:
            self._ahead = self._clock_difference()
        url = self.address.url if service == "Device" else self._find_services().get(service)
        if url is None:
            raise CameraFailed(f"{self.address.name} has no ONVIF service {service}")
        return self._ask(url, body)

    def _find_services(self) -> dict[str, str]:
        """Return the addresses of the camera's services by name."""
        if self._services is None:
            wanted = element("tds:GetCapabilities", element("tds:Category", "All"))
            found = child(self.call("Device", wanted), "Capabilities")
            services = {}
            for each in found if found is not None else ():
                address = text(each, "XAddr")
                if address:
                    services[str(each.tag).rpartition("}")[2]] = self._here(address)
            self._services = services
            with suppress(CameraFailed):  # older cameras do not know the question
                services |= self._newer_services()
        return self._services

    def _newer_services(self) -> dict[str, str]:
        """Return the addresses of services that only GetServices has (ONVIF Core, 8.1.2)."""
        wanted = element("tds:GetServices", element("tds:IncludeCapability", False))
        for each in children(self.call("Device", wanted), "Service"):
            address = text(each, "XAddr")
            if text(each, "Namespace") == NAMESPACES["tr2"] and address:
                return {"Media2": self._here(address)}
        return {}

    @contextmanager
    def _or_older_service(self) -> Iterator[None]:
        """Go on behind the block if a camera fails with what older ones do not have."""
        try:
            yield
        except LoginRefused:
            raise
        except CameraFailed:
            return

    def _here(self, address: str) -> str:
        """Return the address of a service at the host and port of this device."""
        try:
            parts, own = urlsplit(address), urlsplit(self.address.url)
        except ValueError:
            return self.address.url
        path = parts.path or "/"
        return own._replace(path=path, query=parts.query, fragment="").geturl()

    def _rtsp_address(self, url: str) -> str:
        """Return an RTSP address at the host of this device: some cameras name another network's.

        Raises:
            CameraFailed: it is none.
        """
        try:
            parts, host = urlsplit(url), urlsplit(self.address.url).hostname or ""
            port = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("rtsp", "rtsps"):
            raise CameraFailed(f"{self.address.name} has no RTSP address for its video")
        shown = f"[{host}]" if ":" in host else host
        return parts._replace(netloc=f"{shown}:{port}" if port else shown).geturl()

    def _clock_difference(self) -> float:
        """Return the seconds by which the camera's clock is ahead; 0 if it does not say."""
        try:
            answer = self._ask(self.address.url, element("tds:GetSystemDateAndTime"), log_in=False)
            at = child(answer, "SystemDateAndTime", "UTCDateTime")
            year, month, day = (int(text(at, "Date", each)) for each in ("Year", "Month", "Day"))
            hour, minute, second = (
                int(text(at, "Time", each)) for each in ("Hour", "Minute", "Second")
            )
            theirs = datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
        except (LoginRefused, ValueError, OverflowError):
            return 0.0
        difference = theirs - time.time()
        return difference if abs(difference) > 1 else 0.0

    def _ask(self, url: str, body: Xml, *, log_in: bool = True) -> Element:
        user, password = self.address.user, self.address.password
        header = None
        if log_in and user is not None:
            header = security_header(user, password or "", time.time() + (self._ahead or 0.0))
        status, data = self._post(url, envelope(body, header))
        try:
            return parse_answer(data)
        except SoapFault as error:
            if any("notauthorized" in code.lower() for code in error.codes) or status == 401:
                raise self._refused() from None
            raise CameraFailed(f"{self.address.name} refuses: {on_one_line(str(error))}") from None
        except XmlError:
            if status == 401:
                raise self._refused() from None
            raise CameraFailed(
                f"{self.address.name} does not speak ONVIF here (status {status})"
            ) from None

    def _refused(self) -> LoginRefused:
        return LoginRefused(LOGIN_WANTED if self.address.user is None else LOGIN_REFUSED)

    def _post(self, url: str, data: bytes) -> tuple[int, bytes]:
        """Send a message, with the login that the camera's HTTP server wants, if any."""
        parts = urlsplit(url)
        uri = parts.path + (f"?{parts.query}" if parts.query else "")
        status, answer = 0, b""
        with self._errors():
            for _ in range(_MAX_STEPS):
                headers = {"Content-Type": _TYPE}
                if (authorization := self._login.header("POST", uri)) is not None:
                    headers["Authorization"] = authorization
                sent = self._session.post(
                    url, data, headers=headers, timeout=self._timeout, stream=True
                )
                with closing(sent):
                    status, answer = sent.status_code, self._read(sent)
                    challenges = sent.raw.headers.getlist("WWW-Authenticate")
                if status != 401 or not challenges or not self._login.challenged(challenges):
                    break
        return status, answer

    def _read(self, response: Any) -> bytes:
        until, found = time.monotonic() + self._timeout, b""
        for chunk in response.iter_content(16384):
            found += chunk
            if len(found) > MAX_ANSWER or time.monotonic() > until:
                raise CameraFailed(f"{self.address.name}: its answer is too long or too slow")
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import requests
        import urllib3

        from twistedcam.sources.http_client import reason_of

        try:
            yield
        except (OSError, ValueError, requests.RequestException, urllib3.exceptions.HTTPError) as e:
            reason = reason_of(e, self._timeout)
            raise CameraFailed(f"{self.address.name}: {reason}") from None
