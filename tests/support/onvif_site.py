"""A site with the services of ONVIF, in memory."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from tests.servers.discovery.test_announcements import FakeListener
from tests.support.http_site import Connection
from twistedcam.onvif.soap import NAMESPACES, SoapFault, envelope, parse_answer
from twistedcam.onvif.xml import Xml, element
from twistedcam.servers.http.connection.router import Router
from twistedcam.servers.onvif import add_onvif_routes

DEVICE_ID = "11111111-2222-5333-8444-555555555555"


def add_services(router: Router, server: Any) -> list[FakeListener]:
    """Add the services to a router; return the ports of RTSP, which may be changed."""
    rtsp = [FakeListener("0.0.0.0", 8554)]
    add_onvif_routes(router, server, DEVICE_ID, lambda: rtsp)  # type: ignore[arg-type,return-value]
    return rtsp


class OnvifClient:
    """Sends messages over connections in memory.

    Arguments:
        factory: makes the connections.
        headers: of every request.
    """

    def __init__(self, factory: Any, **headers: str) -> None:
        self._factory = factory
        self.headers = headers
        self.status = 0
        self.head = ""

    def send(self, data: bytes, service: str = "device", **headers: str) -> bytes:
        """Send the body of a request; return that of the answer."""
        connection = Connection(self._factory)
        path = f"/onvif/{service}_service"
        self.status = connection.ask("POST", path, data, **{**self.headers, **headers})
        self.head = connection.head
        return connection.body

    def ask(self, action: str, *content: Any, header: Xml | None = None) -> Element:
        """Send a message; return the first element of the answer's body.

        Raises:
            SoapFault: the answer is one.
        """
        return parse_answer(self.send(envelope(element(action, *content), header)))

    def fault(self, action: str, *content: Any, header: Xml | None = None) -> tuple[str, ...]:
        """Send a message that is answered by a fault; return its codes."""
        try:
            self.ask(action, *content, header=header)
        except SoapFault as error:
            return error.codes
        raise AssertionError(f"{action} is no fault")


def tag(name: str) -> str:
    """Return the name of an element as parsers show it: ``tt:Name`` with its namespace."""
    prefix, _, word = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{word}"
