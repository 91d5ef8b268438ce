"""SOAP messages (SOAP 1.1 and 1.2) with the namespaces of ONVIF."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from twistedcam.onvif.xml import (
    Xml,
    XmlError,
    child,
    children,
    element,
    joined,
    local,
    namespace,
    parse_xml,
    text,
)

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
#: The namespaces of messages by the prefixes that are used here.
NAMESPACES = {
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tns1": "http://www.onvif.org/ver10/topics",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "wsa5": "http://www.w3.org/2005/08/addressing",
    "ter": "http://www.onvif.org/ver10/error",
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "wsa": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "wsd": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
}
PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
_SECURITY = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
)


@dataclass(frozen=True)
class SoapMessage:
    """A message that was received.

    Arguments:
        version: the namespace of its envelope.
        header: the element Header, or None.
        body: the first element of the body.
    """

    version: str
    header: Element | None
    body: Element

    @property
    def action(self) -> tuple[str, str]:
        """The prefix that is used here for the namespace of the body, and its name."""
        uri = namespace(self.body)
        return PREFIXES.get(uri, uri), local(self.body)


class SoapFault(Exception):
    """A fault, as an answer that is received or sent.

    Arguments:
        reason: for people.
        codes: of ONVIF, the general one first: ``("ter:NotAuthorized",)``.
        is_sender: True if the request was wrong, False if the server failed.
    """

    def __init__(self, reason: str, *codes: str, is_sender: bool = True) -> None:
        super().__init__(reason)
        self.codes = codes
        self.is_sender = is_sender


def parse_message(data: bytes) -> SoapMessage:
    """Parse a message.

    Raises:
        XmlError: it is no SOAP message.
    """
    envelope = parse_xml(data)
    version = namespace(envelope)
    if local(envelope) != "Envelope" or version not in (SOAP_11, SOAP_12):
        raise XmlError("it is not a SOAP envelope")
    body = child(envelope, "Body")
    first = None if body is None else next(iter(body), None)
    if first is None:
        raise XmlError("its body is empty")
    return SoapMessage(version, child(envelope, "Header"), first)


def parse_answer(data: bytes) -> Element:
    """Parse the answer to a request; return the first element of its body.

    Raises:
        XmlError: it is no SOAP message.
        SoapFault: it is a fault.
    """
    body = parse_message(data).body
    if local(body) != "Fault":
        return body
    reason = text(body, "Reason", "Text") or text(body, "faultstring") or "the request failed"
    codes = [text(each, "Value") for each in _subcodes(child(body, "Code"))]
    codes = codes or [text(body, "faultcode")]
    is_sender = "receiver" not in text(body, "Code", "Value").lower()
    raise SoapFault(reason[:300], *filter(None, codes), is_sender=is_sender)


def _subcodes(code: Element | None) -> list[Element]:
    found = []
    while (code := child(code, "Subcode")) is not None:
        found.append(code)
    return found


def envelope(body: Xml, header: Xml | None = None, version: str = SOAP_12) -> bytes:
    """Return a message.

    Arguments:
        body: the content of the body.
        header: the content of the header.
        version: the namespace of the envelope.
    """
    spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    top = "" if header is None else f"<s:Header>{header}</s:Header>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="{version}"{spaces}>'
        f"{top}<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault(error: SoapFault, version: str = SOAP_12) -> bytes:
    """Return the message of a fault."""
    if version == SOAP_11:
        code = "s:Client" if error.is_sender else "s:Server"
        found = element("s:Fault", element("faultcode", code), element("faultstring", str(error)))
        return envelope(found, version=version)
    inner: Xml | None = None
    for each in reversed(error.codes):
        inner = element("s:Subcode", element("s:Value", each), inner)
    code = "s:Sender" if error.is_sender else "s:Receiver"
    return envelope(
        element(
            "s:Fault",
            element("s:Code", element("s:Value", code), inner),
            element("s:Reason", element("s:Text", str(error), xml__lang="en")),
        )
    )


def answer_header(message: SoapMessage) -> Xml | None:
    """Return the header of the answer to a message with WS-Addressing 1.0, or None."""
    action, id = (_addressing(message, name) for name in ("Action", "MessageID"))
    if not action:
        return None
    related = element("wsa5:RelatesTo", id) if id else None
    parts = [element("wsa5:Action", f"{action.removesuffix('Request')}Response"), related]
    return joined(filter(None, parts))


def _addressing(message: SoapMessage, name: str) -> str:
    found = children(message.header, name)
    texts = [each.text or "" for each in found if namespace(each) == NAMESPACES["wsa5"]]
    return texts[0].strip()[:1000] if texts else ""


def security_of(message: SoapMessage) -> Element | None:
    """Return the element UsernameToken of a message, or None."""
    for header in children(message.header, "Security"):
        if namespace(header) in _SECURITY:
            return child(header, "UsernameToken")
    return None
