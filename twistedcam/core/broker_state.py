"""The state of the connection to the MQTT broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class BrokerState:
    """State that the MQTT client writes (servers.mqtt.client) and ``status`` reads.

    Arguments:
        address: the broker's address, without user name and password.
    """

    address: str
    is_connected: bool = False
    #: The numbers of connections and of failures.
    connects: int = 0
    faults: int = 0
    #: The clock's time in seconds and the reason of the last failure, or None.
    last_fault: tuple[float, str] | None = None

    def failed(self, now: float, reason: str) -> None:
        """Note a failure."""
        self.is_connected = False
        self.faults += 1
        self.last_fault = now, reason

    def connected(self) -> None:
        """Note a connection."""
        self.is_connected = True
        self.connects += 1


def broker_status(state: BrokerState | None, now: float) -> dict[str, Any]:
    """Return the fields of ``status``; without a broker ``mqtt`` is None."""
    if state is None:
        return {"mqtt": None}
    fault = state.last_fault
    return {
        "mqtt": "connected" if state.is_connected else "waiting",
        "mqtt_broker": state.address,
        "mqtt_connects": state.connects,
        "mqtt_faults": state.faults,
        "mqtt_last_fault": None if fault is None else fault[1],
        "mqtt_last_fault_age": None if fault is None else round(now - fault[0], 1),
    }
