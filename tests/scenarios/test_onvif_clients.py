"""ONVIF clients add the cameras: that of Home Assistant, and messages as others send them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from onvif import ONVIFCamera
from zeep.exceptions import Fault

from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.auth import Grant, TokenFile

WSDL = os.path.join(os.path.dirname(__import__("onvif").__file__), "wsdl")
SOAP = "http://www.w3.org/2003/05/soap-envelope"
DEVICE, MEDIA = (f"http://www.onvif.org/ver10/{name}/wsdl" for name in ("device", "media"))


class Site:
    """A server with two cameras, and its tokens."""

    def __init__(self, server: ServerProcess, token: str, door_only: str, boss: str) -> None:
        self.server = server
        self.token = token
        self.door_only = door_only
        self.boss = boss
        self.host, _, port = server.http.removeprefix("http://").rpartition(":")
        self.port = int(port)

    def command(self, path: str) -> None:
        """Run a command of the API."""
        url = f"{self.server.http}/api/v1/{path}"
        request = urllib.request.Request(url, b"", {"Authorization": f"Bearer {self.boss}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status in (200, 204)

    def post(
        self, body: str, service: str = "device", header: str = "", **headers: str
    ) -> tuple[int, str, Any]:
        """Send a message; return status, body and headers."""
        text = (
            f'<?xml version="1.0"?><s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header>'
            f"<s:Body>{body}</s:Body></s:Envelope>"
        )
        return self.post_raw(text.encode(), service, **headers)

    def post_raw(
        self, data: bytes, service: str = "device", **headers: str
    ) -> tuple[int, str, Any]:
        url = f"{self.server.http}/onvif/{service}_service"
        headers = {"Content-Type": "application/soap+xml; charset=utf-8", **headers}
        request = urllib.request.Request(url, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("onvif")
    tokens = TokenFile(folder / "tokens.toml")
    token = tokens.add(Grant("nvr", frozenset({"view"})), keep=True)
    door_only = tokens.add(Grant("guest", frozenset({"view"}), frozenset({"door"})), keep=True)
    boss = tokens.add(Grant("boss", frozenset({"view", "control"})), keep=True)
    options = ["--camera", "door=pattern:?size=1280x720&fps=5", "--tokens", str(tokens.path)]
    options += ["--camera", "Küche=pattern:?size=320x240&fps=5&title=Herd", "--camera"]
    options += ["lost=rtsp://127.0.0.1:9/x", "--http", "tcp:0:interface=127.0.0.1"]
    options += ["--rtsp", "tcp:0:interface=127.0.0.1"]
    with ServerProcess(folder, *options) as server:
        url = f"{server.http}/api/v1/status"

        def is_live() -> bool:
            asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                cameras = json.load(answer)["cameras"]
            return [each["state"] for each in cameras[:2]] == ["live", "live"]

        wait_for(is_live, "both cameras")
        yield Site(server, token, door_only, boss)


def security(user: str, password: str, nonce: bytes, created: str) -> str:
    """WS-UsernameToken as ONVIF Device Manager writes it, without prefixes."""
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest())
    start = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
    return (
        f'<Security s:mustUnderstand="1" xmlns="{start}wssecurity-secext-1.0.xsd"><UsernameToken>'
        f'<Username>{user}</Username><Password Type="{start}username-token-profile-1.0#'
        f'PasswordDigest">{digest.decode()}</Password><Nonce>{base64.b64encode(nonce).decode()}'
        f'</Nonce><Created xmlns="{start}wssecurity-utility-1.0.xsd">{created}</Created>'
        "</UsernameToken></Security>"
    )


def now(shift: float = 0.0) -> str:
    at = datetime.fromtimestamp(datetime.now(UTC).timestamp() + shift, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def test_the_client_of_home_assistant_adds_the_cameras(site: Site) -> None:
    async def add() -> dict[str, Any]:
        camera = ONVIFCamera(site.host, site.port, "any", site.token, WSDL)
        await camera.update_xaddrs()
        device = await camera.create_devicemgmt_service()
        media = await camera.create_media_service()
        found: dict[str, Any] = {
            "time": await device.GetSystemDateAndTime(),
            "information": await device.GetDeviceInformation(),
            "capabilities": await camera.get_capabilities(),
            "interfaces": await device.GetNetworkInterfaces(),
            "scopes": await device.GetScopes(),
            "profiles": await media.GetProfiles(),
            "sources": await media.GetVideoSources(),
            "encoders": await media.GetVideoEncoderConfigurations(),
            "options": await media.GetVideoEncoderConfigurationOptions(),
            "snapshot": await camera.get_snapshot_uri("door"),
        }
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        found["addresses"] = [
            (await media.GetStreamUri({"ProfileToken": each.token, "StreamSetup": setup})).Uri
            for each in found["profiles"]
        ]
        found["picture"] = await camera.get_snapshot("door")
        await camera.close()
        return found

    found = asyncio.run(add())
    utc = found["time"].UTCDateTime
    assert (utc.Date.Year, utc.Date.Month) == (datetime.now(UTC).year, datetime.now(UTC).month)
    assert found["information"].Manufacturer == "twistedcam"
    assert [each.token for each in found["profiles"]] == [
        "door", "door~small", "Kuche", "Kuche~small", "lost", "lost~small",
    ]  # fmt: skip
    main, small, kitchen, *_ = found["profiles"]
    assert (main.Name, kitchen.Name) == ("door", "Herd")
    encoder = main.VideoEncoderConfiguration
    assert (encoder.Encoding, encoder.Resolution.Width, encoder.Resolution.Height) == (
        "H264", 1280, 720,
    )  # fmt: skip
    assert small.VideoEncoderConfiguration.Resolution.Height == 360
    assert encoder.RateControl.FrameRateLimit == 5
    assert [each.token for each in found["sources"]] == ["door", "Kuche", "lost"]
    assert found["snapshot"] == f"{site.server.http}/snapshot/door"
    assert found["addresses"][1].endswith("/door?size=640x360")
    assert found["picture"].startswith(b"\xff\xd8")  # by Digest
    # What it has found plays with the same login.
    address = found["addresses"][0].replace("rtsp://", f"rtsp://any:{site.token}@")
    words = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries"]
    words += ["stream=codec_name,width", "-of", "csv=p=0", address]
    assert subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE).stdout == (
        "h264,1280\n"
    )


def test_the_client_of_home_assistant_gets_events(site: Site) -> None:
    async def listen() -> tuple[list[Any], list[Any]]:
        camera = ONVIFCamera(site.host, site.port, "any", site.token, WSDL)
        await camera.update_xaddrs()
        manager = await camera.create_pullpoint_manager(timedelta(seconds=60), lambda: None)
        await manager.set_synchronization_point()
        service = manager.get_service()
        pull = {"MessageLimit": 100, "Timeout": timedelta(seconds=20)}
        first = (await service.PullMessages(pull)).NotificationMessage
        waiting = asyncio.ensure_future(service.PullMessages(pull))
        await asyncio.to_thread(site.command, "cameras/Kuche/stop")
        then = (await waiting).NotificationMessage
        await camera.get_capabilities()
        await manager.shutdown()
        try:
            await service.PullMessages(pull)
        except Fault as error:
            assert "no such subscription" in str(error)
        await camera.close()
        return first, then

    first, then = asyncio.run(listen())
    site.command("cameras/Kuche/start")
    # As Home Assistant reads them.
    shown = [
        (
            message.Topic._value_1,
            message.Message._value_1.Source.SimpleItem[0].Value,
            message.Message._value_1.Data.SimpleItem[0].Value,
        )
        for message in [*first[-6:], *then]
    ]
    motion, lost = "tns1:VideoSource/MotionAlarm", "tns1:VideoSource/SignalLoss"
    assert shown == [
        (motion, "door", "false"), (lost, "door", "false"), (motion, "Kuche", "false"),
        (lost, "Kuche", "false"), (motion, "lost", "false"), (lost, "lost", "true"),
        (lost, "Kuche", "true"),
    ]  # fmt: skip


def test_open_actions_need_no_login_and_name_no_camera(site: Site) -> None:
    for name in (
        "GetSystemDateAndTime", "GetCapabilities", "GetServices", "GetServiceCapabilities",
        "GetHostname", "GetWsdlUrl", "GetEndpointReference",
    ):  # fmt: skip
        status, body, _ = site.post(f'<{name} xmlns="{DEVICE}"/>')
        assert status == 200, name
        assert f":{name}Response>" in body
        assert "door" not in body
    for name in ("GetDeviceInformation", "GetScopes", "GetNetworkInterfaces", "SystemReboot"):
        status, body, headers = site.post(f'<{name} xmlns="{DEVICE}"/>')
        assert (status, "ter:NotAuthorized" in body) == (401, True), name
        assert headers["WWW-Authenticate"].startswith('Digest realm="twistedcam"')


def test_a_client_that_logs_in_by_digest_of_http_or_basic_is_answered(site: Site) -> None:
    url = f"{site.server.http}/onvif/device_service"
    body = (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><GetDeviceInformation xmlns="{DEVICE}"/></s:Body>'
        "</s:Envelope>"
    )
    for kind in ("--digest", "--basic"):
        words = ["curl", "-s", kind, "-u", f"any:{site.token}", "--data", body, url]
        answer = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE).stdout
        assert "<tds:Manufacturer>twistedcam<" in answer, kind
    words = ["curl", "-s", "--digest", "-u", "any:wrong", "--data", body, url]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE).stdout
    assert "ter:NotAuthorized" in answer


def test_a_token_for_one_camera_sees_that_alone(site: Site) -> None:
    header = security("x", site.door_only, os.urandom(16), now())
    _, body, _ = site.post(f'<GetProfiles xmlns="{MEDIA}"/>', "media", header)
    assert re.findall(r' token="([^"]+)" fixed', body) == ["door", "door~small"]
    header = security("x", site.door_only, os.urandom(16), now())
    asked = f'<GetStreamUri xmlns="{MEDIA}"><ProfileToken>Kuche</ProfileToken></GetStreamUri>'
    status, body, _ = site.post(asked, "media", header)
    assert (status, "ter:NoProfile" in body) == (400, True)


def test_wrong_late_and_repeated_logins_are_refused(site: Site) -> None:
    action = f'<GetProfiles xmlns="{MEDIA}"/>'
    nonce, created = os.urandom(16), now()
    good = security("admin", site.token, nonce, created)
    assert site.post(action, "media", good)[0] == 200
    assert site.post(action, "media", good)[0] == 200  # the same client may send it again
    for header in (
        security("admin", "wrong", os.urandom(16), now()),
        security("admin", site.token, os.urandom(16), now(-900)),
        security("admin", site.token, os.urandom(16), now(900)),
        security("admin", site.token, os.urandom(16), "yesterday"),
    ):
        status, body, _ = site.post(action, "media", header)
        assert (status, "ter:NotAuthorized" in body, "door" in body) == (400, True, False)


def test_actions_that_are_not_there_are_faults(site: Site) -> None:
    # Synology asks for a profile of its own first, and goes on without it.
    for asked, service in (
        (f'<CreateProfile xmlns="{MEDIA}"><Name>SynoProfile</Name></CreateProfile>', "media"),
        ('<Subscribe xmlns="http://docs.oasis-open.org/wsn/b-2"/>', "event"),
        ('<CreateProfile xmlns="http://www.onvif.org/ver20/media/wsdl"/>', "media2"),
    ):
        header = security("admin", site.token, os.urandom(16), now())
        status, body, _ = site.post(asked, service, header)
        assert (status, "ter:ActionNotSupported" in body) == (400, True)


def test_bad_messages_are_refused_and_the_server_goes_on(site: Site) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    inner = f'<s:Body><GetHostname xmlns="{DEVICE}"/></s:Body>'
    whole = f'<s:Envelope xmlns:s="{SOAP}">{inner}</s:Envelope>'
    deep = "<a>" * 3000 + "</a>" * 3000
    wide = "<a/>" * 12000
    for data in (
        b"<", b"\xff\xfe\x00", whole[:-5].encode(), (bomb + whole).encode(),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', b"<x/>", whole.replace(SOAP, "x").encode(),
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{deep}</s:Body></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{wide}</s:Body></s:Envelope>'.encode(),
        b'<?xml version="1.0" encoding="klingon"?><x/>',
    ):  # fmt: skip
        status, body, _ = site.post_raw(data)
        assert (status, "ter:WellFormed" in body) == (400, True), data[:80]
    assert site.post_raw(b"x" * 70_000)[0] == 413
    assert site.post_raw(whole.encode())[0] == 200


def test_the_host_in_addresses_is_the_one_that_the_client_has_used(site: Site) -> None:
    body = f'<GetCapabilities xmlns="{DEVICE}"><Category>Media</Category></GetCapabilities>'
    _, answer, _ = site.post(body, Host="cam.localhost:9")
    assert "<tt:XAddr>http://cam.localhost:9/onvif/media_service<" in answer
    _, answer, _ = site.post(body, Host='127.0.0.1"><x')
    assert "<x" not in answer


def test_another_server_finds_the_smaller_stream_of_a_camera(site: Site, tmp_path: Path) -> None:
    address = f"onvif://any:{site.token}@{site.host}:{site.port}/door"
    options = ["--camera", f"far={address}", "--http", "tcp:0:interface=127.0.0.1"]
    with ServerProcess(tmp_path, *options) as server:
        wait_for(lambda: server.status().get("substream") == "idle", "the smaller stream")
        with av.open(f"{server.http}/video/far?substream=1") as video:
            stream = video.streams.video[0]
            size = stream.width, stream.height
        assert server.status()["size"] == "1280x720"
    assert size == (640, 360)
    assert site.token not in server.log


def test_another_server_takes_a_camera_by_its_profile(site: Site, tmp_path: Path) -> None:
    address = f"onvif://any:{site.token}@{site.host}:{site.port}/door~small"
    with ServerProcess(tmp_path, "--camera", f"far={address}") as server:
        wait_for(lambda: server.status()["state"] == "live", "the camera")
        status = server.status()
    assert (status["size"], status["codec"]) == ("640x360", "h264")
    assert site.token not in server.log + str(status)
