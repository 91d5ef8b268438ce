"""The event service as clients use it: a pull point, and its subscription."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.support.http_site import Connection, SiteCase
from tests.support.onvif_site import OnvifClient, add_services
from twistedcam.events import MotionChanged
from twistedcam.onvif.soap import envelope, parse_answer, parse_message
from twistedcam.onvif.xml import children, element, text


class EventTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        add_services(self.router, self.server)
        self.client = OnvifClient(self.factory)

    def subscribe(self, *content: Any) -> str:
        """Create a pull point; return the last part of its address."""
        found = self.client.ask("tev:CreatePullPointSubscription", *content)
        address = text(found, "SubscriptionReference", "Address")
        assert address.startswith("http://localhost/onvif/subscription-")
        return address.rpartition("/")[2]

    def post(self, path: str, action: str, *content: Any, header: Any = None) -> Connection:
        connection = Connection(self.factory)
        data = envelope(element(action, *content), header)
        connection.ask("POST", f"/onvif/{path}", data, Content_Type="application/soap+xml")
        return connection

    def answer(self, path: str, action: str, *content: Any) -> Any:
        return parse_answer(self.post(path, action, *content).body)

    def pulled(self, path: str, timeout: str = "PT0S", limit: int = 10) -> list[str]:
        found = self.answer(
            path,
            "tev:PullMessages",
            element("tev:Timeout", timeout),
            element("tev:MessageLimit", limit),
        )
        messages = children(found, "NotificationMessage")
        return [text(each, "Topic").rpartition("/")[2] for each in messages]

    def test_a_client_pulls_renews_and_ends(self) -> None:
        path = self.subscribe(element("tev:InitialTerminationTime", "PT600S"))
        assert self.pulled(path) == ["MotionAlarm", "SignalLoss"] * 2
        assert self.pulled(path) == []
        self.server.events.publish(MotionChanged("door", "begin", "m1", time=5.0))
        assert self.pulled(path) == ["MotionAlarm"]
        self.answer(path, "tev:SetSynchronizationPoint")
        assert len(self.pulled(path, limit=3)) == 3
        renewed = self.answer(path, "wsnt:Renew", element("wsnt:TerminationTime", "PT60S"))
        assert text(renewed, "TerminationTime") > text(renewed, "CurrentTime")
        self.answer(path, "wsnt:Unsubscribe")
        assert b"ter:NoSubscription" in self.post(path, "wsnt:Unsubscribe").body

    def test_a_pull_waits_until_something_happens(self) -> None:
        path = self.subscribe()
        self.pulled(path)
        connection = Connection(self.factory)
        data = envelope(element("tev:PullMessages", element("tev:Timeout", "PT30S")))
        head = f"POST /onvif/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}"
        head += "\r\nContent-Type: application/soap+xml\r\n\r\n"
        connection.send(head.encode() + data)
        assert connection.take() == b""
        self.server.events.publish(MotionChanged("door", "begin", "m1", time=5.0))
        assert b"tns1:VideoSource/MotionAlarm" in connection.take()

    def test_what_happens_is_kept_for_a_client_that_has_gone_and_comes_again(self) -> None:
        path = self.subscribe()
        self.pulled(path)
        connection = Connection(self.factory)
        data = envelope(element("tev:PullMessages", element("tev:Timeout", "PT30S")))
        head = f"POST /onvif/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}"
        connection.send(f"{head}\r\nContent-Type: application/soap+xml\r\n\r\n".encode() + data)
        connection.channel.connectionLost(Failure(ConnectionDone()))
        self.server.events.publish(MotionChanged("door", "begin", "m1", time=5.0))
        assert self.pulled(path) == ["MotionAlarm"]

    def test_a_filter_chooses_topics(self) -> None:
        def expression(topic: str) -> Any:
            return element("tev:Filter", element("wsnt:TopicExpression", topic))

        path = self.subscribe(expression("tns1:VideoSource/MotionAlarm"))
        assert self.pulled(path) == ["MotionAlarm"] * 2
        action = "tev:CreatePullPointSubscription"
        assert self.client.fault(action, expression("tns1:Device//.")) == (
            "ter:InvalidArgVal",
            "ter:InvalidFilter",
        )

    def test_wrong_times_and_numbers_are_faults(self) -> None:
        wrong = element("tev:InitialTerminationTime", "soon")
        assert self.client.fault("tev:CreatePullPointSubscription", wrong) == ("ter:InvalidArgVal",)
        path = self.subscribe()
        for limit in ("0", "x", "-1"):
            answer = self.post(path, "tev:PullMessages", element("tev:MessageLimit", limit)).body
            assert b"MessageLimit is a number from 1 on" in answer

    def test_topics_and_capabilities_are_described(self) -> None:
        found = self.client.ask("tev:GetEventProperties")
        [topics] = children(found, "TopicSet", "VideoSource")
        assert len(topics) == 2
        found = self.client.ask("tev:GetServiceCapabilities")
        [capabilities] = children(found, "Capabilities")
        assert capabilities.get("WSPullPointSupport") == "true"
        found = self.client.ask("tds:GetCapabilities", element("tds:Category", "Events"))
        assert text(found, "Capabilities", "Events", "WSPullPointSupport") == "true"

    def test_an_answer_refers_to_its_question(self) -> None:
        action = "http://www.onvif.org/ver10/events/wsdl/EventPortType/GetEventPropertiesRequest"
        header = element("wsa5:Action", action) + element("wsa5:MessageID", "urn:uuid:1")
        body = self.post("events_service", "tev:GetEventProperties", header=header).body
        found = parse_message(body).header
        assert text(found, "Action") == action.removesuffix("Request") + "Response"
        assert text(found, "RelatesTo") == "urn:uuid:1"
