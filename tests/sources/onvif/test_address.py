"""Addresses of ONVIF cameras, and of the motors of others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twistedcam.errors import BadArgument
from twistedcam.sources.onvif.address import (
    OnvifAddress,
    find_onvif_address,
    find_profiles_address,
)
from twistedcam.sources.spec import parse


@pytest.mark.parametrize(
    "text", ["onvif:", "onvif://", "http://h", "onvif://h:99999", "onvif://h:0"]
)
def test_wrong_addresses_are_errors(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - urlsplit has messages of its own
        OnvifAddress.parse(text)


def test_an_address_has_its_parts() -> None:
    found = OnvifAddress.parse("onvifs://u%40x:p@[fd00::2]:8443/main", "/other")
    assert (found.url, found.user, found.password, found.profile, found.name) == (
        "https://[fd00::2]:8443/other", "u@x", "p", "main", "[fd00::2]:8443",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "url", "user"),
    [
        ("onvif://u:p@h:81/main", "http://h:81/onvif/device_service", "u"),
        ("onvif://h#path=/x", "http://h/x", None),
        ("onvif://h#ptz=0", None, None),
        ("rtsp://u:p@h/x", None, None),
        ("rtsp://u:p@h/x#ptz=0", None, None),
        ("rtsp://u:p@h:554/x#ptz=1", "http://h/onvif/device_service", "u"),
        ("rtsp://u:p@[fd00::2]/x#ptz=1", "http://[fd00::2]/onvif/device_service", "u"),
        ("rtsp://u:p@h/x#ptz=onvif://h2:8000", "http://h2:8000/onvif/device_service", "u"),
        ("rtsp://u:p@h/x#ptz=onvif://v:q@h2", "http://h2/onvif/device_service", "v"),
        ("webcam:0", None, None),
    ],
)
def test_the_address_of_the_motors_is_that_of_the_source_or_its_setting(
    source: str, url: str | None, user: str | None
) -> None:
    found = find_onvif_address(parse(source))
    assert (found and found.url, found and found.user) == (url, user)


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("onvif://u:p@h:81/main", "http://h:81/onvif/device_service"),
        ("onvif://h#ptz=0&path=/x", "http://h/x"),
        ("rtsp://h/x", None),
        ("rtsp://h/x#ptz=1", "http://h/onvif/device_service"),
        ("webcam:0", None),
    ],
)
def test_profiles_are_listed_by_the_address_of_the_source_or_of_its_motors(
    source: str, url: str | None
) -> None:
    found = find_profiles_address(parse(source))
    assert (found and found.url) == url


def test_the_source_of_a_profile_has_the_login_and_the_path_of_its_address() -> None:
    address = OnvifAddress.parse("onvifs://u%40x:p%2Fq@[fd00::2]:8443/main", "/other")
    spec = address.source("a/b c", {"verify": "0"})
    assert spec.text == "onvifs://u%40x:p%2Fq@[fd00::2]:8443/a%2Fb%20c#verify=0&path=/other"
    assert parse(spec.text) == spec
    assert OnvifAddress.parse(spec.text.partition("#")[0], "/other") == replace(
        address, profile="a/b c"
    )
    assert OnvifAddress.parse("onvif://u@h").source("x", {}).text == "onvif://u@h/x"


@pytest.mark.parametrize("source", ["onvif://h#ptz=x", "rtsp://h/#ptz=http://h", "rtsp://h/#ptz=2"])
def test_wrong_settings_are_errors(source: str) -> None:
    with pytest.raises(BadArgument, match="ptz="):
        find_onvif_address(parse(source))
