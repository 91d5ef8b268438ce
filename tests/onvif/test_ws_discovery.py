"""Messages of WS-Discovery: probes as clients send them, and answers that they can read."""

from __future__ import annotations

import pytest

from twistedcam.onvif.soap import parse_message
from twistedcam.onvif.ws_discovery import (
    DeviceDescription,
    FoundDevice,
    bye,
    hello,
    is_wanted,
    matches,
    parse_devices,
    probe,
    scope,
)
from twistedcam.onvif.xml import local, text

SCOPES = (scope("type", "video_encoder"), scope("name", "twistedcam on attic"))
DEVICE = DeviceDescription("11111111-2222-5333-8444-555555555555", SCOPES)
ADDRESSES = ["http://192.168.7.2:8080/onvif/device_service"]
START = '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header><w:MessageID>uuid:1</w:MessageID></e:Header><e:Body>'  # noqa: E501
END = "</e:Body></e:Envelope>"
NETWORK = 'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"'


def asked(body: str) -> bool:
    return is_wanted(parse_message(f"{START}{body}{END}".encode()), DEVICE)


@pytest.mark.parametrize(
    ("body", "is_ours"),
    [
        ("<d:Probe/>", True),
        ("<d:Probe><d:Types/><d:Scopes/></d:Probe>", True),
        (f"<d:Probe><d:Types {NETWORK}>dn:NetworkVideoTransmitter</d:Types></d:Probe>", True),
        (f"<d:Probe><d:Types {NETWORK}>dn:NetworkVideoDisplay</d:Types></d:Probe>", False),
        (
            '<d:Probe><d:Types xmlns:t="http://www.onvif.org/ver10/device/wsdl">t:Device'
            "</d:Types></d:Probe>",
            True,
        ),
        ("<d:Probe><d:Scopes>onvif://www.onvif.org/type</d:Scopes></d:Probe>", True),
        ("<d:Probe><d:Scopes>onvif://www.onvif.org/type/ptz</d:Scopes></d:Probe>", False),
        ("<d:Probe><d:Scopes>onvif://www.onvif.org/typ</d:Scopes></d:Probe>", False),
        ('<d:Probe><d:Scopes MatchBy="urn:x">onvif://www.onvif.org/</d:Scopes></d:Probe>', False),
        ("<d:Probe><d:Scopes>http://[</d:Scopes></d:Probe>", False),
        (
            "<d:Resolve><w:EndpointReference><w:Address>urn:uuid:11111111-2222-5333-8444-"
            "555555555555</w:Address></w:EndpointReference></d:Resolve>",
            True,
        ),
        ("<d:Resolve><w:EndpointReference><w:Address>x</w:Address></w:EndpointReference></d:Resolve>",
         False),
        ("<d:Hello/>", False),
        ("<x/>", False),
    ],
)  # fmt: skip
def test_a_device_answers_what_is_meant_for_it(body: str, is_ours: bool) -> None:
    assert asked(body) == is_ours


def test_an_answer_has_what_a_client_needs() -> None:
    request = parse_message(probe("urn:uuid:42"))
    assert is_wanted(request, DEVICE)
    answer = matches(DEVICE, ADDRESSES, request, (7, 3))
    found = FoundDevice(
        "urn:uuid:11111111-2222-5333-8444-555555555555",
        ("NetworkVideoTransmitter", "Device"),
        SCOPES,
        tuple(ADDRESSES),
    )
    assert parse_devices(answer, "urn:uuid:42") == [found]
    assert parse_devices(answer, "urn:uuid:43") == []
    assert found.scope("name") == "twistedcam on attic"
    assert found.scope("location") == ""
    message = parse_message(answer)
    assert text(message.header, "Action").endswith("/ProbeMatches")
    assert text(message.header, "To").endswith("/role/anonymous")


def test_a_question_for_addresses_is_answered_in_its_kind() -> None:
    body = f"<d:Resolve><w:EndpointReference><w:Address>{DEVICE.endpoint}</w:Address></w:EndpointReference></d:Resolve>"  # noqa: E501
    request = parse_message(f"{START}{body}{END}".encode())
    answer = parse_message(matches(DEVICE, ADDRESSES, request, (7, 3)))
    assert local(answer.body) == "ResolveMatches"
    assert text(answer.body, "ResolveMatch", "XAddrs") == ADDRESSES[0]
    assert text(answer.header, "RelatesTo") == "uuid:1"


def test_start_and_end_are_announced() -> None:
    assert parse_devices(hello(DEVICE, ADDRESSES, (7, 1)))[0].addresses == tuple(ADDRESSES)
    message = parse_message(bye(DEVICE, (7, 2)))
    assert local(message.body) == "Bye"
    assert parse_devices(bye(DEVICE, (7, 2))) == []
