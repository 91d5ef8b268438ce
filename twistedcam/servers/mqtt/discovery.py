"""What Home Assistant is told of a camera (home-assistant.io/integrations/mqtt, MQTT discovery)."""

from __future__ import annotations

from typing import Any

from twistedcam.servers.mqtt.address import Broker
from twistedcam.util.camera_name import url_safe
from twistedcam.version import __version__

#: What the server publishes of itself.
ONLINE, OFFLINE = "online", "offline"


def availability_topic(broker: Broker) -> str:
    """``online``, or the last will ``offline``."""
    return f"{broker.base}/status"


def camera_topic(broker: Broker, camera: str, what: str) -> str:
    """``BASE/camera/NAME/WHAT``: beside it nothing of the server's own has room.

    Arguments:
        camera: its name; the topic has the URL-safe form of it, or ``+`` as it is.
    """
    name = camera if camera == "+" else url_safe(camera)
    return f"{broker.base}/camera/{name}/{what}"


def announcements(
    broker: Broker, camera: str, title: str | None = None
) -> dict[str, dict[str, Any]]:
    """Discovery topics of a camera and what is published to each, retained.

    Arguments:
        title: what the device is called in place of the camera's name.
    """
    state = camera_topic(broker, camera, "state")
    node = f"{broker.node}_{url_safe(camera).replace('.', '_')}"
    shared = {
        "availability_topic": availability_topic(broker),
        "device": {
            "identifiers": [node],
            "name": f"{title or camera} ({broker.base.rpartition('/')[2]})",
            "manufacturer": "twistedcam",
            "model": "camera server",
            "sw_version": __version__,
        },
        "origin": {"name": "twistedcam", "sw_version": __version__},
    }

    def switch(name: str, field: str) -> dict[str, Any]:
        return {
            "name": name,
            "command_topic": camera_topic(broker, camera, f"{field}/set"),
            "state_topic": state,
            "value_template": f"{{{{ 'ON' if value_json.{field} else 'OFF' }}}}",
        }

    def sensor(name: str, field: str, **more: str) -> dict[str, Any]:
        template = f"{{{{ value_json.{field} }}}}"
        return {"name": name, "state_topic": state, "value_template": template} | more

    parts = {
        ("camera", "image"): {"name": None, "topic": camera_topic(broker, camera, "image")},
        ("switch", "stream"): switch("Stream", "stream"),
        ("switch", "record"): switch("Record", "record"),
        ("sensor", "state"): sensor("State", "state"),
        ("sensor", "fps"): sensor(
            "Frame rate", "fps", unit_of_measurement="fps", state_class="measurement"
        ),
        ("sensor", "viewers"): sensor("Viewers", "viewers", state_class="measurement"),
        ("sensor", "faults"): sensor(
            "Faults", "faults", state_class="total_increasing", entity_category="diagnostic"
        ),
        ("sensor", "last_fault"): sensor(
            "Last fault",
            "last_fault",
            # A state has 255 characters at most, and "None" stands for no state.
            value_template="{{ (value_json.last_fault or 'None')[:255] }}",
            entity_category="diagnostic",
        ),
    }
    return {
        f"{broker.discovery}/{kind}/{node}/{word}/config": {
            **payload,
            "unique_id": f"{node}_{word}",
            **shared,
        }
        for (kind, word), payload in parts.items()
    }
