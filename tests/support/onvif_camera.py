"""A camera that speaks ONVIF, for clients: profiles, the address of its video, motors, presets."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from twistedcam.net.http_login import parse_challenges
from twistedcam.onvif.soap import (
    NAMESPACES,
    SoapFault,
    SoapMessage,
    envelope,
    fault,
    parse_message,
    security_of,
)
from twistedcam.onvif.username_token import UsernameToken
from twistedcam.onvif.xml import Xml, child, element, joined, text

CHALLENGE = 'Digest realm="cam", nonce="n", qop="auth"'
USER, PASSWORD = "admin", "p@ss wörd"


@dataclass(frozen=True)
class TestProfile:
    """One of the streams of a camera: its token, its codec, and its size in pixels."""

    __test__ = False

    token: str
    codec: str
    size: tuple[int, int]
    video_source: str = "sensor"


MAIN = TestProfile("main", "H264", (1920, 1080))
SUB = TestProfile("sub", "H264", (640, 360))


class OnvifTestCamera:
    """A camera on a free port of the loopback interface, in a thread.

    Arguments:
        rtsp: the address of its video.
        login: ``wsse``, ``digest`` (of HTTP) or empty for none.
        has_ptz: True if it can be moved.
        clock: seconds by which its clock is ahead.
        host: the host in the addresses of its services.
        profiles: their tokens, codecs, and sizes in pixels.
        has_media2: True if it has the service Media2, which alone has those of H.265.
    """

    def __init__(
        self,
        rtsp: str = "rtsp://127.0.0.1:8554/main",
        login: str = "wsse",
        has_ptz: bool = True,
        clock: float = 0.0,
        host: str = "203.0.113.5",
        profiles: tuple[TestProfile, ...] = (MAIN, SUB),
        has_media2: bool = False,
    ) -> None:
        self.rtsp, self.login, self.has_ptz, self.clock, self.host = (
            rtsp, login, has_ptz, clock, host,
        )  # fmt: skip
        self.profiles, self.has_media2 = profiles, has_media2
        #: The actions that were carried out, with their important arguments.
        self.calls: list[tuple[Any, ...]] = []
        #: The actions that were asked for, also those that were refused.
        self.asked: list[str] = []
        self.presets: dict[str, str] = {"1": "Gate"}
        self.refusals = 0
        camera = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer, headers = camera.answer(data, self.headers["Authorization"] or "")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def moves(self) -> list[tuple[Any, ...]]:
        """Return the actions that have moved it."""
        names = ("ContinuousMove", "Stop", "GotoHomePosition", "GotoPreset")
        return [each for each in self.calls if each[0] in names]

    def answer(self, data: bytes, authorization: str) -> tuple[int, bytes, dict[str, str]]:
        """Answer a request: status, body, headers."""
        message = parse_message(data)
        prefix, name = message.action
        self.asked.append(name)
        try:
            if name != "GetSystemDateAndTime" and not self._may(message, authorization):
                self.refusals += 1
                if self.login == "digest":
                    return (
                        401,
                        b"",
                        {"WWW-Authenticate": 'Digest realm="cam", nonce="n", qop="auth"'},
                    )
                raise SoapFault("Sender not Authorized", "ter:NotAuthorized")
            act = self._act_of_media2 if prefix == "tr2" else self._act
            return 200, envelope(act(name, message)), {}
        except SoapFault as error:
            return 400, fault(error), {}

    def _may(self, message: SoapMessage, authorization: str) -> bool:
        if not self.login:
            return True
        if self.login == "wsse":
            found = security_of(message)
            if found is None:
                return False
            token = UsernameToken.of(found)
            now = datetime.now(UTC).timestamp() + self.clock
            return token.user == USER and token.matches(PASSWORD) and token.is_timely(now)
        if not authorization:
            return False
        given = parse_challenges([authorization])[0].parameters

        def hashed(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        secret, request = hashed(f"{USER}:cam:{PASSWORD}"), hashed(f"POST:{given['uri']}")
        words = [secret, "n", given["nc"], given["cnonce"], "auth", request]
        return given["response"] == hashed(":".join(words))

    def _act(self, name: str, message: SoapMessage) -> Xml:
        body = message.body
        profile = text(body, "ProfileToken")
        if name == "GetSystemDateAndTime":
            now = datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.clock, UTC)
            date = [("Year", now.year), ("Month", now.month), ("Day", now.day)]
            time = [("Hour", now.hour), ("Minute", now.minute), ("Second", now.second)]
            parts = [
                element(f"tt:{kind}", joined(element(f"tt:{key}", number) for key, number in each))
                for kind, each in (("Time", time), ("Date", date))
            ]
            return _wrap(name, element("tds:SystemDateAndTime", element("tt:UTCDateTime", *parts)))
        if name == "GetCapabilities":
            base = f"http://{self.host}/onvif"
            found = [element("tt:Media", element("tt:XAddr", f"{base}/media"))]
            if self.has_ptz:
                found.append(element("tt:PTZ", element("tt:XAddr", f"{base}/ptz?x=1")))
            return _wrap(name, element("tds:Capabilities", joined(found)))
        if name == "GetDeviceInformation":
            return _wrap(name, element("tds:Manufacturer", "ACME"), element("tds:Model", "X1"))
        if name == "GetProfiles":
            older = [each for each in self.profiles if each.codec != "H265"]
            return _wrap(name, joined(map(self._profile, older)))
        if name == "GetServices" and self.has_media2:
            base = f"http://{self.host}/onvif"
            parts = [
                element("tds:Service", element("tds:Namespace", space), element("tds:XAddr", path))
                for space, path in (
                    (NAMESPACES["tds"], f"{base}/device_service"),
                    (NAMESPACES["tr2"], f"{base}/media2"),
                )
            ]
            return _wrap(name, joined(parts))
        if name == "GetStreamUri":
            return _wrap(name, element("trt:MediaUri", element("tt:Uri", f"{self.rtsp}?{profile}")))
        return self._move(name, message)

    def _profile(self, profile: TestProfile) -> Xml:
        width, height = profile.size
        resolution = element(
            "tt:Resolution", element("tt:Width", width), element("tt:Height", height)
        )
        ptz = element("tt:PTZConfiguration", token="ptz") if self.has_ptz else None
        source = element("tt:SourceToken", profile.video_source)
        return element(
            "trt:Profiles",
            element("tt:Name", f"Profile {profile.token}"),
            element("tt:VideoSourceConfiguration", source, token="source"),
            element(
                "tt:VideoEncoderConfiguration", element("tt:Encoding", profile.codec), resolution
            ),
            ptz,
            token=profile.token,
        )

    def _act_of_media2(self, name: str, message: SoapMessage) -> Xml:
        if name == "GetProfiles" and text(message.body, "Type") == "All":
            return _wrap(name, joined(map(self._profile_of_media2, self.profiles)))
        if name == "GetStreamUri" and text(message.body, "Protocol") == "RtspUnicast":
            token = text(message.body, "ProfileToken")
            return _wrap(name, element("tr2:Uri", f"{self.rtsp}?{token}"))
        raise SoapFault("no such action", "ter:ActionNotSupported")

    def _profile_of_media2(self, profile: TestProfile) -> Xml:
        width, height = profile.size
        size = element("tt:Width", width), element("tt:Height", height)
        codec = element("tt:Encoding", profile.codec)
        source = element("tt:SourceToken", profile.video_source)
        parts = [
            element("tr2:VideoSource", source, token="source"),
            element("tr2:VideoEncoder", codec, element("tt:Resolution", *size)),
        ]
        if self.has_ptz:
            parts.append(element("tr2:PTZ", token="ptz"))
        name = element("tr2:Name", f"Profile {profile.token}")
        found = element("tr2:Configurations", joined(parts))
        return element("tr2:Profiles", name, found, token=profile.token)

    def _move(self, name: str, message: SoapMessage) -> Xml:
        body = message.body
        if name == "ContinuousMove":
            pan, zoom = child(body, "Velocity", "PanTilt"), child(body, "Velocity", "Zoom")
            speeds = (
                None if pan is None else (float(pan.get("x", "0")), float(pan.get("y", "0"))),
                None if zoom is None else float(zoom.get("x", "0")),
            )
            self.calls.append((name, *speeds, text(body, "Timeout")))
        elif name == "GetPresets":
            found = (
                element("tptz:Preset", element("tt:Name", shown), token=token)
                for token, shown in self.presets.items()
            )
            return _wrap(name, joined(found))
        elif name == "SetPreset":
            token = text(body, "PresetToken") or str(len(self.presets) + 1)
            self.presets[token] = text(body, "PresetName")
            self.calls.append((name, token))
            return _wrap(name, element("tptz:PresetToken", token))
        elif name in ("GotoPreset", "RemovePreset"):
            token = text(body, "PresetToken")
            if token not in self.presets:
                raise SoapFault("no such preset", "ter:InvalidArgVal", "ter:NoToken")
            if name == "RemovePreset":
                del self.presets[token]
            self.calls.append((name, token))
        elif name in ("Stop", "GotoHomePosition"):
            self.calls.append((name,))
        else:
            raise SoapFault("no such action", "ter:ActionNotSupported")
        return _wrap(name)


def _wrap(name: str, *content: Any) -> Xml:
    return element(f"tptz:{name}Response", *content)
