"""Devices of the network are listed with safe texts, and asked only where they have answered."""

from __future__ import annotations

import argparse
import ipaddress
import sys

import pytest

from tests.support.onvif_camera import MAIN, SUB, OnvifTestCamera, TestProfile
from twistedcam.cli import network_devices
from twistedcam.cli.network_devices import (
    _ask,
    _note,
    _reachable,
    clean,
    find_network_devices,
    show_network_device,
)
from twistedcam.net.interfaces import InterfaceAddress
from twistedcam.onvif.soap import parse_message
from twistedcam.onvif.ws_discovery import (
    DeviceDescription,
    FoundDevice,
    matches,
    probe,
    scope,
)

LAN = ipaddress.ip_interface("192.168.7.2/24")
FOUND = [InterfaceAddress(LAN.ip, LAN.network, "eth0", 2)]


def device(*addresses: str) -> FoundDevice:
    return FoundDevice("urn:uuid:1", (), (), addresses)


def test_a_camera_is_asked_at_the_address_that_has_answered() -> None:
    source = "192.168.7.9"
    assert _reachable(device(f"http://{source}/onvif/device_service"), source) == (
        f"http://{source}/onvif/device_service"
    )
    elsewhere = device("http://203.0.113.5:8000/x", "http://[::1", "ftp://a/")
    assert _reachable(elsewhere, source) == f"http://{source}:8000/x"
    assert _reachable(device("x", ""), source) is None
    hostile = device(f"http://';reboot;'@{source}:80/x", f"http://a@{source}/")
    assert _reachable(hostile, source) == f"http://{source}:80/x"


def test_a_camera_is_listed_once_with_its_smaller_stream_and_a_recorder_with_its_cameras() -> None:
    second = TestProfile("2/'a", "H264", (1280, 720), "second")
    for profiles, tokens in (((MAIN, SUB), ["main"]), ((MAIN, SUB, second), ["main", "2%2F%27a"])):
        with OnvifTestCamera(login="", profiles=profiles) as camera:
            found = _ask(device(), f"http://127.0.0.1:{camera.port}/onvif/device_service")
        sources = [f"onvif://127.0.0.1:{camera.port}/{each}" for each in tokens]
        assert (found["sources"], found["needs_login"], found["problem"]) == (sources, False, None)


def test_a_camera_that_needs_a_login_is_listed_with_a_place_for_it() -> None:
    with OnvifTestCamera() as camera:
        found = _ask(device(), f"http://127.0.0.1:{camera.port}/other")
    assert found["sources"] == [f"onvif://USER:PASSWORD@127.0.0.1:{camera.port}#path=/other"]
    assert (found["needs_login"], found["problem"]) == (True, None)


def test_answers_from_elsewhere_and_to_others_are_left_out() -> None:
    described = DeviceDescription("1", (scope("name", "x"),))
    answer = matches(
        described, ["http://192.168.7.9/onvif/device_service"], parse_message(probe("id")), (1, 1)
    )
    found: dict[str, tuple[FoundDevice, str]] = {}
    _note(answer, "203.0.113.5", {"id"}, FOUND, found)
    _note(answer, "192.168.7.9", {"another"}, FOUND, found)
    _note(b"\x00", "192.168.7.9", {"id"}, FOUND, found)
    assert found == {}
    _note(answer, "192.168.7.9", {"id"}, FOUND, found)
    assert [each[1] for each in found.values()] == ["http://192.168.7.9/onvif/device_service"]


def test_texts_of_devices_cannot_change_the_terminal_or_the_command() -> None:
    assert clean("\x1b[31mred\x07 '$(reboot)`\\") == "[31mred (reboot)"
    assert len(clean("x" * 1000)) == 100
    shown = show_network_device(
        {
            "kind": "onvif",
            "name": "Front door; rm -rf",
            "address": "http://10.0.0.7/onvif/device_service",
            "sources": ["rtsp://10.0.0.7/1", "rtsp://10.0.0.7/2"],
            "problem": None,
        }
    )
    assert shown.splitlines() == [
        "Front door; rm -rf  ONVIF camera at http://10.0.0.7/onvif/device_service",
        "  --camera front-door-rm--rf='rtsp://10.0.0.7/1'",
        "  --camera front-door-rm--rf-2='rtsp://10.0.0.7/2'",
    ]


def test_without_zeroconf_cameras_are_found_and_a_line_says_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = {
        "kind": "onvif",
        "name": "Gate",
        "address": "http://10.0.0.7/onvif/device_service",
        "sources": ["rtsp://10.0.0.7/1"],
        "needs_login": False,
        "problem": None,
    }
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    monkeypatch.setattr(network_devices, "_probe", lambda *_: [(device(), camera["address"])])
    monkeypatch.setattr(network_devices, "_ask", lambda *_: camera)
    assert find_network_devices() == [camera]
    assert network_devices.run(argparse.Namespace(json=False)) == 0
    shown = capsys.readouterr()
    assert "--camera gate='rtsp://10.0.0.7/1'" in shown.out
    assert "finding other servers needs zeroconf; install it with" in shown.err
