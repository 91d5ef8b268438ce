"""The client of ONVIF cameras: logins, profiles, and what a camera may not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.onvif_camera import PASSWORD, USER, OnvifTestCamera, TestProfile
from twistedcam.errors import CameraFailed, LoginRefused
from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import element
from twistedcam.sources.onvif.address import OnvifAddress
from twistedcam.sources.onvif.device import OnvifDevice
from twistedcam.sources.onvif.profiles import smaller_profile


@contextmanager
def device(
    camera: OnvifTestCamera, login: str | None = None, end: str = ""
) -> Iterator[OnvifDevice]:
    login = f"{USER}:{quote(PASSWORD)}@" if login is None else login
    found = OnvifDevice(OnvifAddress.parse(f"onvif://{login}127.0.0.1:{camera.port}/{end}"))
    try:
        yield found
    finally:
        found.close()


@pytest.mark.parametrize(("login", "clock"), [("wsse", 7200.0), ("digest", 0.0), ("", 0.0)])
def test_profiles_are_found_with_each_login_and_a_wrong_clock(login: str, clock: float) -> None:
    with OnvifTestCamera(login=login, clock=clock) as camera, device(camera) as found:
        assert [(each.token, each.width, each.has_ptz) for each in found.profiles()] == [
            ("main", 1920, True),
            ("sub", 640, True),
        ]
        assert {each.video_source for each in found.profiles()} == {"sensor"}
        assert found.profile().codec == "H264"
        assert found.information()["Model"] == "X1"


def test_the_address_of_the_video_has_the_host_and_the_login_of_the_camera() -> None:
    with (
        OnvifTestCamera(rtsp="rtsp://10.9.9.9:554/live") as camera,
        device(camera, end="Profile%20sub") as found,
    ):
        url = found.stream_url(found.profile())
        assert url == "rtsp://127.0.0.1:554/live?sub"
        assert found.with_login(url) == "rtsp://admin:p%40ss%20w%C3%B6rd@127.0.0.1:554/live?sub"


def test_profiles_of_h265_are_found_by_the_service_that_has_them() -> None:
    profiles = (
        TestProfile("big", "H265", (3840, 2160)),
        TestProfile("main", "H264", (1920, 1080)),
        TestProfile("small", "H265", (640, 360)),
    )
    with OnvifTestCamera(profiles=profiles, has_media2=True) as camera, device(camera) as found:
        assert [(each.token, each.codec, each.width) for each in found.profiles()] == [
            ("big", "H265", 3840), ("main", "H264", 1920), ("small", "H265", 640),
        ]  # fmt: skip
        assert {(each.video_source, each.has_ptz) for each in found.profiles()} == {
            ("sensor", True)
        }
        small = smaller_profile(found.profiles(), found.profile(), (3840, 2160))
        assert small is not None
        assert (small.token, small.name) == ("small", "Profile small")
        assert found.stream_url(small) == "rtsp://127.0.0.1:8554/main?small"


def test_a_camera_whose_newer_service_fails_is_asked_by_the_older_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for answers in (
        {"GetProfiles": SoapFault("no", "ter:ActionNotSupported")},
        {"GetProfiles": element("tr2:GetProfilesResponse")},
        {"GetStreamUri": SoapFault("no", "ter:InvalidArgVal")},
        {"GetStreamUri": element("tr2:GetStreamUriResponse", element("tr2:Uri", "http://x/"))},
    ):
        with OnvifTestCamera(has_media2=True) as camera, device(camera) as found:
            real = camera._act_of_media2

            def act(name: str, message: Any, real: Any = real, answers: Any = answers) -> Any:
                answer = answers.get(name)
                if isinstance(answer, Exception):
                    raise answer
                return answer or real(name, message)

            monkeypatch.setattr(camera, "_act_of_media2", act)
            assert [each.token for each in found.profiles()] == ["main", "sub"]
            assert found.stream_url(found.profile()) == "rtsp://127.0.0.1:8554/main?main"


@pytest.mark.parametrize(("kind", "login"), [("wsse", "admin:wrong@"), ("digest", "")])
def test_a_wrong_or_missing_login_is_told(kind: str, login: str) -> None:
    with (
        OnvifTestCamera(login=kind) as camera,
        device(camera, login) as found,
        pytest.raises(LoginRefused),
    ):
        found.profiles()


def test_a_profile_that_is_not_there_is_told_with_those_that_are() -> None:
    with (
        OnvifTestCamera() as camera,
        device(camera, end="third") as found,
        pytest.raises(CameraFailed, match="no profile 'third'; it has main, sub"),
    ):
        found.profile()


def test_a_camera_without_motors_has_no_service_for_them() -> None:
    with OnvifTestCamera(has_ptz=False) as camera, device(camera) as found:
        assert not found.has_service("PTZ")
        assert found.has_service("Media")


@pytest.mark.parametrize("rtsp", ["file:///etc/passwd", "rtsp://["])
def test_other_addresses_of_video_are_refused(rtsp: str) -> None:
    with (
        OnvifTestCamera(rtsp=rtsp) as camera,
        device(camera) as found,
        pytest.raises(CameraFailed, match="no RTSP address"),
    ):
        found.stream_url(found.profile())


def test_what_is_no_onvif_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with OnvifTestCamera() as camera, device(camera) as found:
        answers: list[Any] = [(200, b"<html/>", {}), (404, b"", {}), (200, b"x" * 2_000_000, {})]
        for answer in answers:
            monkeypatch.setattr(camera, "answer", lambda *_, answer=answer: answer)
            with pytest.raises(CameraFailed):
                found.profiles()


def test_a_camera_that_does_not_answer_is_told() -> None:
    with OnvifTestCamera() as camera:
        port = camera.port
    address = OnvifAddress.parse(f"onvif://127.0.0.1:{port}")
    with pytest.raises(CameraFailed, match=r"127\.0\.0\.1:.*refused"):
        OnvifDevice(address).profiles()
