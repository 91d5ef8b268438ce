"""SOAP messages and faults are read and written in both versions."""

from __future__ import annotations

import pytest

from twistedcam.onvif.soap import (
    SOAP_11,
    SOAP_12,
    SoapFault,
    envelope,
    fault,
    parse_answer,
    parse_message,
    security_of,
)
from twistedcam.onvif.username_token import security_header
from twistedcam.onvif.xml import XmlError, element, local


@pytest.mark.parametrize("version", [SOAP_11, SOAP_12])
def test_a_message_has_a_version_an_action_and_perhaps_a_login(version: str) -> None:
    body = element("tds:GetScopes", element("tds:X", 1))
    message = parse_message(envelope(body, security_header("u", "p", 0.0), version))
    assert message.version == version
    assert message.action == ("tds", "GetScopes")
    assert security_of(message) is not None
    assert security_of(parse_message(envelope(body, version=version))) is None


def test_an_action_of_another_namespace_has_that() -> None:
    found = parse_message(envelope(element("x", xmlns="urn:other")))
    assert found.action == ("urn:other", "x")


def test_a_fault_is_raised_with_its_codes_and_its_reason() -> None:
    sent = SoapFault("no such <profile>", "ter:InvalidArgVal", "ter:NoProfile")
    with pytest.raises(SoapFault, match="no such <profile>") as found:
        parse_answer(fault(sent))
    assert (found.value.codes, found.value.is_sender) == (sent.codes, True)
    with pytest.raises(SoapFault) as found:
        parse_answer(fault(SoapFault("broken", "ter:Action", is_sender=False)))
    assert not found.value.is_sender
    with pytest.raises(SoapFault, match="old") as found:
        parse_answer(fault(SoapFault("old"), SOAP_11))
    assert found.value.codes == ("s:Client",)


def test_an_answer_is_its_first_element() -> None:
    assert local(parse_answer(envelope(element("tds:Yes")))) == "Yes"


@pytest.mark.parametrize(
    "data",
    [
        b"<x/>",
        b'<Envelope xmlns="urn:x"><Body><a/></Body></Envelope>',
        f'<Envelope xmlns="{SOAP_12}"/>'.encode(),
        f'<Envelope xmlns="{SOAP_12}"><Body/></Envelope>'.encode(),
    ],
)
def test_what_is_no_message_is_an_error(data: bytes) -> None:
    with pytest.raises(XmlError):
        parse_message(data)
