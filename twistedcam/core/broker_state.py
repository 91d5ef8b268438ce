"""How things stand with the MQTT broker, for all who ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class BrokerState:
    """What the bridge to the broker writes here (mqtt/client.py), and ``status`` reads.

    Arguments:
        address: the broker's, without name and password.
    """

    address: str
    is_connected: bool = False
    #: Times that it became connected.
    connects: int = 0
    faults: int = 0
    #: The last fault and the clock's second at which it was, or None.
    last_fault: tuple[float, str] | None = None

    def failed(self, now: float, reason: str) -> None:
        """The broker is away."""
        self.is_connected = False
        self.faults += 1
        self.last_fault = now, reason

    def connected(self) -> None:
        """The broker is there."""
        self.is_connected = True
        self.connects += 1


def broker_status(state: BrokerState | None, now: float) -> dict[str, Any]:
    """The fields of an answer; without a broker they say so."""
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
