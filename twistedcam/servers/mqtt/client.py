"""Wraps paho's client, which reconnects by itself: calls back in the reactor's thread."""

from __future__ import annotations

import os
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from twistedcam.core.broker_state import BrokerState
from twistedcam.errors import BadArgument
from twistedcam.runtime.extras import how_to_install
from twistedcam.servers.mqtt.address import Broker
from twistedcam.servers.mqtt.discovery import OFFLINE, ONLINE, availability_topic
from twistedcam.sources.base import NO_SUCH_NAME

log = Logger()

#: The MQTT keepalive, and the maximum delay between two attempts to connect, in seconds.
_KEEPALIVE, _MAX_RETRY_DELAY = 15, 30
#: Messages that may wait for a slow broker; further ones are dropped.
_QUEUE = 500
#: The reason of paho for the end of a connection without a message of the broker.
_NO_REASON = "Unspecified error"


class MqttClient:
    """A connection to the broker with a last will.

    Arguments:
        reactor: runs the callbacks.
        broker: the broker.
        state: is updated with the state of the connection.
        topics: the topics to subscribe to.
        on_connected: called each time when the connection is made.
        on_message: called with topic and payload of a message that was not retained.

    Raises:
        BadArgument: paho-mqtt is not installed, or the file of certificates is invalid.
    """

    def __init__(
        self,
        reactor: Any,
        broker: Broker,
        state: BrokerState,
        topics: list[str],
        on_connected: Callable[[], None],
        on_message: Callable[[str, bytes], None],
    ) -> None:
        try:
            from paho.mqtt.client import Client as Paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise BadArgument(
                f"--mqtt needs paho-mqtt; install it with {how_to_install('mqtt')}"
            ) from None
        self._reactor = reactor
        self._broker = broker
        self._state = state
        self._topics = topics
        self._on_connected = on_connected
        self._on_message = on_message
        self._is_closing = False
        #: True if the broker has accepted or refused the connection that is there.
        self._is_answered = False
        #: The reason that was logged since the last connection.
        self._logged = ""
        self._paho = paho = Paho(CallbackAPIVersion.VERSION2)
        paho.max_queued_messages_set(_QUEUE)
        paho.reconnect_delay_set(1, _MAX_RETRY_DELAY)
        paho.connect_timeout = 10.0
        if broker.user:
            paho.username_pw_set(broker.user, broker.password or None)
        if broker.is_tls:
            try:
                paho.tls_set_context(ssl.create_default_context(cafile=broker.ca or None))
            except (OSError, ssl.SSLError) as error:
                raise BadArgument(f"--mqtt: ca={broker.ca!r} cannot be used: {error}") from None
        paho.will_set(availability_topic(broker), OFFLINE, qos=1, retain=True)
        call = reactor.callFromThread
        paho.on_connect = lambda *args: call(self._connected, args[3])
        # paho calls this while it handles the error.
        paho.on_connect_fail = lambda *_: call(self._failed, _reason_of(sys.exc_info()[1]))
        paho.on_disconnect = lambda *args: call(self._disconnected, args[3])
        paho.on_message = lambda _, __, message: call(self._received, message)

    @property
    def is_connected(self) -> bool:
        """True while there is a connection."""
        return self._state.is_connected

    def start(self) -> None:
        """Connect, and retry until it succeeds."""
        self._paho.connect_async(self._broker.host, self._broker.port, keepalive=_KEEPALIVE)
        self._paho.loop_start()

    def publish(self, topic: str, payload: str | bytes, retain: bool = True) -> None:
        """Publish a message, if there is a connection."""
        if self.is_connected:
            self._paho.publish(topic, payload, qos=1, retain=retain)

    def close(self) -> Deferred[Any]:
        """Publish that the server is offline, and disconnect."""
        self.publish(availability_topic(self._broker), OFFLINE)
        self._is_closing = True
        self._state.is_connected = False
        self._paho.disconnect()
        return deferToThread(self._paho.loop_stop)

    def _connected(self, reason: Any) -> None:
        self._is_answered = True
        if reason.is_failure:
            self._failed(str(reason))
            return
        if self._is_closing:
            return
        self._state.connected()
        self._logged = ""
        log.info("connected to {broker}", broker=self._broker.shown)
        self._paho.subscribe([(topic, 1) for topic in self._topics])
        self.publish(availability_topic(self._broker), ONLINE)
        self._on_connected()

    def _disconnected(self, reason: Any) -> None:
        is_answered, self._is_answered = self._is_answered, False
        if self.is_connected:
            said = str(reason)
            self._failed("it has closed the connection" if said == _NO_REASON else said)
        elif not is_answered:
            self._failed(
                "it closes the connection: is this the port of a broker, and does it use TLS "
                f"{'' if self._broker.is_tls else 'only '}there?"
            )

    def _received(self, message: Any) -> None:
        if message.retain:  # a retained command is old
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a broker should not have passed it on
            return
        self._on_message(topic, message.payload)

    def _failed(self, reason: str) -> None:
        if self._is_closing:
            return
        self._state.failed(self._reactor.seconds(), reason)
        if reason != self._logged:  # not once for each of the attempts
            self._logged = reason
            shown = self._broker.shown
            log.warn("not connected to {broker}: {reason}", broker=shown, reason=reason)


def _reason_of(error: BaseException | None) -> str:
    """Describe why no connection could be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return "it does not use TLS here, or another version of it"
    if isinstance(error, socket.gaierror):
        return NO_SUCH_NAME
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else "it does not answer"
