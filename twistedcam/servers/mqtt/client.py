"""paho's client, spoken to from the reactor alone; it reconnects by itself, for ever."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from twistedcam.core.broker_state import BrokerState
from twistedcam.errors import BadArgument
from twistedcam.servers.mqtt.address import Broker
from twistedcam.servers.mqtt.discovery import OFFLINE, ONLINE, availability_topic

log = Logger()

#: Seconds after which a silent broker is given up, and those between two tries at most.
_KEEPALIVE, _RETRY_MOST = 15, 30
#: Messages that wait for a broker that is slow; further ones are dropped.
_QUEUE = 500


class MqttClient:
    """A connection to the broker with a last will.

    Arguments:
        reactor: where callbacks are called.
        broker: where to connect to.
        state: where it is written how things stand.
        topics: what is subscribed to.
        connected: called when the broker is there, each time.
        received: called with topic and payload; never for what the broker had kept.

    Raises:
        BadArgument: the library is missing, or the file of certificates will not do.
    """

    def __init__(
        self,
        reactor: Any,
        broker: Broker,
        state: BrokerState,
        topics: list[str],
        connected: Callable[[], None],
        received: Callable[[str, bytes], None],
    ) -> None:
        try:
            from paho.mqtt.client import Client as Paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise BadArgument(
                "--mqtt needs paho-mqtt; from the checkout: .venv/bin/pip install -e '.[mqtt]'"
            ) from None
        self._reactor = reactor
        self._broker = broker
        self._state = state
        self._topics = topics
        self._connected = connected
        self._received = received
        self._is_closing = False
        self._paho = paho = Paho(CallbackAPIVersion.VERSION2)
        paho.max_queued_messages_set(_QUEUE)
        paho.reconnect_delay_set(1, _RETRY_MOST)
        paho.connect_timeout = 10.0
        if broker.user:
            paho.username_pw_set(broker.user, broker.password or None)
        if broker.is_tls:
            try:
                paho.tls_set_context(ssl.create_default_context(cafile=broker.ca or None))
            except (OSError, ssl.SSLError) as error:
                raise BadArgument(f"--mqtt: ca={broker.ca!r} will not do: {error}") from None
        paho.will_set(availability_topic(broker), OFFLINE, qos=1, retain=True)
        call = reactor.callFromThread
        paho.on_connect = lambda *args: call(self._on_connect, args[3])
        paho.on_connect_fail = lambda *_: call(self._tell_fault, "it does not answer")
        paho.on_disconnect = lambda *args: call(self._on_disconnect, args[3])
        paho.on_message = lambda _, __, message: call(self._on_message, message)

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._state.is_connected

    def start(self) -> None:
        """Connect, now or when the broker is there."""
        self._paho.connect_async(self._broker.host, self._broker.port, keepalive=_KEEPALIVE)
        self._paho.loop_start()

    def publish(self, topic: str, payload: str | bytes, retain: bool = True) -> None:
        """Publish, if the broker is there."""
        if self.is_connected:
            self._paho.publish(topic, payload, qos=1, retain=retain)

    def close(self) -> Deferred[Any]:
        """Say that this server is gone, and disconnect."""
        self.publish(availability_topic(self._broker), OFFLINE)
        self._is_closing = True
        self._state.is_connected = False
        self._paho.disconnect()
        return deferToThread(self._paho.loop_stop)

    def _on_connect(self, reason: Any) -> None:
        if reason.is_failure:
            self._tell_fault(str(reason))
            return
        if self._is_closing:
            return
        self._state.connected()
        log.info("connected to {broker}", broker=self._broker.shown)
        self._paho.subscribe([(topic, 1) for topic in self._topics])
        self.publish(availability_topic(self._broker), ONLINE)
        self._connected()

    def _on_disconnect(self, reason: Any) -> None:
        if self.is_connected:
            self._tell_fault(str(reason))

    def _on_message(self, message: Any) -> None:
        if not message.retain:  # what was kept is old: nobody wants it done again
            self._received(message.topic, message.payload)

    def _tell_fault(self, reason: str) -> None:
        if not self._is_closing:
            self._state.failed(self._reactor.seconds(), reason)
            shown = self._broker.shown
            log.warn("no broker at {broker}: {reason}", broker=shown, reason=reason)
