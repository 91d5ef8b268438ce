"""The connection to the broker. paho's thread is not started: its callbacks are called here."""

from __future__ import annotations

import socket
import ssl
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from paho.mqtt.client import Client as Paho
from paho.mqtt.client import MQTTMessage
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs

from twistedcam.core.broker_state import BrokerState
from twistedcam.errors import BadArgument
from twistedcam.servers.mqtt.address import parse_broker
from twistedcam.servers.mqtt.client import MqttClient

CONNECTED = SimpleNamespace(is_failure=False)
REFUSED = type("Reason", (), {"is_failure": True, "__str__": lambda _: "not authorized"})()


class Reactor(MemoryReactorClock):
    """Makes the calls of other threads at once."""

    def callFromThread(self, call: Any, *args: Any, **named: Any) -> None:
        call(*args, **named)


class Rig:
    """A client, and what paho would send to the broker."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.published: list[tuple[str, Any, bool]] = []
        self.subscribed: list[tuple[str, int]] = []
        self.received: list[tuple[str, bytes]] = []
        self.connections = 0
        self.paho: Any = None
        rig = self

        class Recording(Paho):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                rig.paho = self

            def publish(self, topic: str, payload: Any, qos: int, retain: bool) -> None:  # type: ignore[override]
                rig.published.append((topic, payload, retain))

            def subscribe(self, topics: Any) -> None:  # type: ignore[override]
                rig.subscribed += topics

        monkeypatch.setattr("paho.mqtt.client.Client", Recording)
        broker = parse_broker("mqtt://me:S3CRET@h/base")
        self.state = BrokerState(broker.shown)
        self.client = MqttClient(
            Reactor(),
            broker,
            self.state,
            ["base/command"],
            self._connected,
            lambda *message: self.received.append(message),
        )

    def _connected(self) -> None:
        self.connections += 1

    def connect(self, reason: Any = CONNECTED) -> None:
        self.paho.on_connect(None, None, None, reason, None)

    def disconnect(self, reason: str) -> None:
        self.paho.on_disconnect(None, None, None, reason, None)

    def receive(self, payload: bytes, retain: bool, topic: bytes = b"base/command") -> None:
        message = MQTTMessage(topic=topic)
        message.payload, message.retain = payload, retain
        self.paho.on_message(None, None, message)


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def test_a_connection_subscribes_and_publishes_that_the_server_is_online(rig: Rig) -> None:
    for _ in range(2):  # a reconnection, too: the broker may have forgotten everything
        rig.connect()
    assert rig.subscribed == [("base/command", 1)] * 2
    assert rig.published == [("base/status", "online", True)] * 2
    assert (rig.connections, rig.state.connects, rig.client.is_connected) == (2, 2, True)


def test_nothing_is_published_without_a_connection(rig: Rig) -> None:
    rig.client.publish("base/x", "1")
    rig.connect()
    rig.client.publish("base/x", "2", retain=False)
    rig.paho.on_disconnect(None, None, None, "keep alive timeout", None)
    rig.client.publish("base/x", "3")
    assert rig.published[1:] == [("base/x", "2", False)]


def test_a_fault_is_noted_with_its_reason(rig: Rig) -> None:
    rig.connect(REFUSED)
    assert (rig.state.faults, rig.state.last_fault) == (1, (0.0, "not authorized"))
    rig.disconnect("Unspecified error")  # it was refused before
    assert rig.state.faults == 1
    rig.paho.on_connect_fail(None, None)
    assert rig.state.faults == 2
    rig.connect()
    rig.disconnect("keep alive timeout")
    assert (rig.state.faults, rig.state.last_fault) == (3, (0.0, "keep alive timeout"))
    rig.connect()
    rig.disconnect("Unspecified error")
    assert (rig.state.faults, rig.state.last_fault) == (4, (0.0, "it has closed the connection"))


def test_what_accepts_no_client_is_a_fault_with_advice(rig: Rig) -> None:
    rig.disconnect("Unspecified error")
    assert rig.state.last_fault is not None
    assert "is this the port of a broker" in rig.state.last_fault[1]
    assert (rig.state.faults, rig.client.is_connected) == (1, False)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "x"), "Connection refused"),
        (TimeoutError("timed out"), "it does not answer"),
        (socket.gaierror(-2, "x"), "no computer of this name was found"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), "it does not use TLS here"),
        (ssl.SSLCertVerificationError(1, "x"), "its certificate is not trusted"),
    ],
)
def test_a_connection_that_cannot_be_made_has_a_reason(
    error: OSError, reason: str, rig: Rig
) -> None:
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = "self-signed certificate"
    try:
        raise error
    except OSError:
        rig.paho.on_connect_fail(None, None)
    assert rig.state.last_fault is not None
    assert rig.state.last_fault[1].startswith(reason)


def test_a_reason_is_logged_once_until_it_changes_or_there_is_a_connection(rig: Rig) -> None:
    with capturedLogs() as logs:
        for _ in range(3):
            rig.paho.on_connect_fail(None, None)
        rig.connect(REFUSED)
        rig.connect()
        rig.disconnect("keep alive timeout")
        rig.disconnect("keep alive timeout")
        rig.connect(REFUSED)
    reasons = [each["reason"] for each in logs if "reason" in each]
    assert reasons[:3] == ["it does not answer", "not authorized", "keep alive timeout"]
    assert reasons[-1] == "not authorized"
    assert len(reasons) == 5
    assert rig.state.faults == 7


def test_retained_messages_are_ignored(rig: Rig) -> None:
    rig.receive(b"old", retain=True)
    rig.receive(b"new", retain=False)
    assert rig.received == [("base/command", b"new")]


def test_a_topic_that_is_not_utf_8_is_ignored(rig: Rig) -> None:
    rig.receive(b"x", retain=False, topic=b"base/\xff")
    rig.receive(b"new", retain=False)
    assert rig.received == [("base/command", b"new")]


def test_closing_publishes_that_the_server_is_offline(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twistedcam.servers.mqtt.client.deferToThread", lambda call: call())
    rig.connect()
    rig.client.close()
    assert rig.published[-1] == ("base/status", "offline", True)
    rig.connect()  # a connection that paho had begun before
    rig.paho.on_connect_fail(None, None)
    assert (rig.connections, rig.state.faults, rig.client.is_connected) == (1, 0, False)


@pytest.mark.parametrize(
    ("module", "address", "said"),
    [
        ("paho.mqtt.client", "mqtt://localhost", "pip install -e '.\\[mqtt\\]'"),
        ("nothing", "mqtts://localhost?ca=/nowhere", "ca='/nowhere'"),
    ],
)
def test_a_missing_library_or_certificate_is_an_error_before_the_start(
    module: str, address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    nothing: Any = None
    with pytest.raises(BadArgument, match=said):
        MqttClient(nothing, parse_broker(address), nothing, [], nothing, nothing)
