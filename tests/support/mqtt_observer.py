"""A client of an MQTT broker for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.process import wait_for
from tests.support.publish_peers import LOCAL


class MqttObserver:
    """A client of the broker that keeps the newest message of each topic."""

    def __init__(self, port: int, user: str = "", password: str = "") -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.seen: dict[str, bytes] = {}
        self.client = Client(CallbackAPIVersion.VERSION2)
        if user:
            self.client.username_pw_set(user, password)
        self.client.on_connect = lambda *_: self.client.subscribe("#", 1)
        self.client.on_message = lambda _, __, m: self.seen.__setitem__(m.topic, m.payload)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect(LOCAL, port)
        self.client.loop_start()

    def wait(self, topic: str, check: Callable[[Any], Any] = lambda _: True) -> Any:
        """Return the topic's payload as JSON, once ``check`` accepts it."""

        def found() -> list[Any]:
            payload = json.loads(self.seen[topic]) if topic in self.seen else None
            return [payload] if payload is not None and check(payload) else []

        return wait_for(found, f"{topic}, of {sorted(self.seen)}")[0]

    def announced(self) -> dict[str, Any]:
        """Return the messages of Home Assistant's discovery by topic."""
        prefix = "homeassistant/"
        return {key: json.loads(self.seen[key]) for key in list(self.seen) if prefix in key}

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
