"""The state of the connection to the MQTT broker, as ``status`` has it."""

from __future__ import annotations

from twistedcam.core.broker_state import BrokerState, broker_status


def test_a_server_without_a_broker_says_so() -> None:
    assert broker_status(None, 0.0) == {"mqtt": None}


def test_connections_and_faults_are_counted() -> None:
    state = BrokerState("mqtt://broker.example:1883")
    assert broker_status(state, 0.0) == {
        "mqtt": "waiting",
        "mqtt_broker": "mqtt://broker.example:1883",
        "mqtt_connects": 0,
        "mqtt_faults": 0,
        "mqtt_last_fault": None,
        "mqtt_last_fault_age": None,
    }
    state.connected()
    assert broker_status(state, 1.0)["mqtt"] == "connected"
    state.failed(2.0, "connection refused")
    found = broker_status(state, 5.04)
    assert (found["mqtt"], found["mqtt_connects"], found["mqtt_faults"]) == ("waiting", 1, 1)
    assert (found["mqtt_last_fault"], found["mqtt_last_fault_age"]) == ("connection refused", 3.0)
