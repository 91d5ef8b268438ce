"""Checks messages for Home Assistant, as its documentation describes them.

The rules are from the pages of its integrations ``mqtt`` (discovery topic, payload, device,
origin), ``camera.mqtt``, ``switch.mqtt``, ``binary_sensor.mqtt``, ``image.mqtt``, ``event.mqtt``
and ``sensor.mqtt``: required and optional keys, and the values they may have. Home Assistant
ignores unknown keys; here they are errors. Templates are Jinja's, as they are there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

#: Prefix, component, perhaps a node, and an object.
TOPIC = re.compile(r"homeassistant/(\w+)/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _topic(value: Any) -> bool:
    return _text(value) and not re.search(r"[+#\x00]", value) and len(value.encode()) < 65536


def _one_of(*known: str) -> Check:
    return lambda value: value in known


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


#: Keys of every entity.
ENTITY: dict[str, Check] = {
    "name": lambda value: value is None or _text(value),  # null: the device's own name
    "unique_id": _text,
    "default_entity_id": _text,
    "availability_topic": _topic,
    "payload_available": _text,
    "payload_not_available": _text,
    "device": lambda value: _holds(value, DEVICE) and ("identifiers" in value),
    "origin": lambda value: _holds(value, ORIGIN) and "name" in value,
    "entity_category": _one_of("diagnostic", "config"),
    "icon": _text,
    "qos": lambda value: value in (0, 1, 2),
}
DEVICE: dict[str, Check] = {
    "identifiers": _texts,
    **dict.fromkeys(("name", "manufacturer", "model", "sw_version", "hw_version"), _text),
    "configuration_url": lambda value: str(value).startswith(("http://", "https://")),
}
ORIGIN: dict[str, Check] = dict.fromkeys(("name", "sw_version", "support_url"), _text)
#: By component: required keys, then optional ones.
COMPONENTS: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "camera": ({"topic": _topic}, {"image_encoding": _one_of("b64")}),
    "switch": (
        {"command_topic": _topic},
        {"state_topic": _topic, "value_template": _text, "payload_on": _text, "payload_off": _text},
    ),
    "binary_sensor": (
        {"state_topic": _topic},
        {
            "value_template": _text,
            "device_class": _one_of("motion"),
            "json_attributes_topic": _topic,
        },
    ),
    "image": (
        {"image_topic": _topic},
        {"content_type": lambda value: str(value).startswith("image/")},
    ),
    "event": (
        {"state_topic": _topic, "event_types": _texts},
        {"value_template": _text, "device_class": _one_of("button", "doorbell", "motion")},
    ),
    "sensor": (
        {"state_topic": _topic},
        {
            "value_template": _text,
            "unit_of_measurement": _text,
            "state_class": _one_of("measurement", "total", "total_increasing"),
        },
    ),
}


def check(topic: str, payload: dict[str, Any]) -> str:
    """Return the component that is announced; assert that Home Assistant would accept it."""
    found = TOPIC.fullmatch(topic)
    assert found, f"{topic} is no discovery topic"
    required, optional = COMPONENTS[found[1]]
    missing = set(required) - set(payload)
    assert not missing, f"{topic} lacks {missing}"
    for key, value in payload.items():
        known = ENTITY | required | optional
        assert key in known, f"{topic}: there is no {key}"
        assert known[key](value), f"{topic}: {key} may not be {value!r}"
    assert "unique_id" in payload, "without it there is no device"
    return found[1]


def render(template: str, state: bytes) -> str:
    """Return the state that a template makes of a payload."""
    from jinja2 import Environment, StrictUndefined

    value = Environment(undefined=StrictUndefined).from_string(template)
    return value.render(value=state.decode(), value_json=json.loads(state))


def _holds(value: Any, checks: dict[str, Check]) -> bool:
    return all(key in checks and checks[key](each) for key, each in value.items())
