"""MQTT discovery of Home Assistant (home-assistant.io/integrations/mqtt)."""

from __future__ import annotations

from typing import Any

from twistedcam.servers.mqtt.address import Broker
from twistedcam.util.camera_name import url_safe
from twistedcam.version import __version__

#: The payloads for the server's availability.
ONLINE, OFFLINE = "online", "offline"


def availability_topic(broker: Broker) -> str:
    """Return the topic with ``online``, or the last will ``offline``."""
    return f"{broker.base}/status"


def camera_topic(broker: Broker, camera: str, what: str) -> str:
    """Return the topic ``BASE/camera/NAME/WHAT``.

    Arguments:
        camera: the camera's name, of which the topic has the URL-safe form, or ``+``.
    """
    name = camera if camera == "+" else url_safe(camera)
    return f"{broker.base}/camera/{name}/{what}"


def announcements(
    broker: Broker, camera: str, title: str | None = None
) -> dict[str, dict[str, Any]]:
    """Return the payloads of a camera's discovery topics, which are to be retained.

    Arguments:
        title: the device's name, if not the camera's name.
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

    def switch(name: str, field: str, condition: str = "") -> dict[str, Any]:
        return {
            "name": name,
            "state_topic": state,
            "value_template": f"{{{{ 'ON' if value_json.{condition or field} else 'OFF' }}}}",
            "command_topic": camera_topic(broker, camera, f"{field}/set"),
        }

    def sensor(name: str, field: str, **more: str) -> dict[str, Any]:
        template = f"{{{{ value_json.{field} }}}}"
        return {"name": name, "state_topic": state, "value_template": template} | more

    def event(name: str, kind: str, attribute: str, **more: str) -> dict[str, Any]:
        fields = f"'event_type': value_json.state, '{attribute}': value_json.{attribute}"
        return {
            "name": name,
            "state_topic": camera_topic(broker, camera, f"event/{kind}"),
            "event_types": ["begin", "end"],
            "value_template": f"{{{{ {{{fields}}} | tojson }}}}",
            **more,
        }

    parts: dict[tuple[str, str], dict[str, Any]] = {
        ("camera", "image"): {"name": None, "topic": camera_topic(broker, camera, "image")},
        ("image", "last_event"): {
            "name": "Last event",
            "image_topic": camera_topic(broker, camera, "snapshot"),
            "content_type": "image/jpeg",
        },
        ("event", "motion_event"): event("Motion event", "motion", "id", device_class="motion"),
        ("event", "detection_event"): event("Detection", "detection", "what"),
        ("switch", "stream"): switch("Stream", "stream"),
        ("switch", "record"): switch("Record", "record"),
        ("switch", "motion_detection"): switch("Motion detection", "motion", "motion != 'off'"),
        ("switch", "mute"): switch("Mute", "mute", "muted"),
        ("sensor", "sound_level"): sensor(
            "Sound level",
            "audio_level_db",
            unit_of_measurement="dB",
            state_class="measurement",
            # "None" is no state: the camera has no sound, or it is muted.
            value_template="{{ None if value_json.muted else value_json.audio_level_db }}",
        ),
        ("binary_sensor", "motion"): {
            "name": "Motion",
            "device_class": "motion",
            "state_topic": state,
            # "None" is unknown: nobody looks, so that it is not quiet.
            "value_template": (
                "{{ 'None' if value_json.motion == 'off' or value_json.state != 'live'"
                " else 'ON' if value_json.motion == 'moving' else 'OFF' }}"
            ),
            "json_attributes_topic": camera_topic(broker, camera, "event/motion"),
        },
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
            # Home Assistant takes at most 255 characters, and "None" for no state.
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
