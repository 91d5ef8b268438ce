"""The discovery messages for Home Assistant."""

from __future__ import annotations

import json

from tests.support.home_assistant import check, render
from twistedcam.servers.mqtt.address import parse_broker
from twistedcam.servers.mqtt.discovery import announcements, availability_topic, camera_topic

BROKER = parse_broker("mqtt://h/base?discovery=homeassistant")


def test_topics_begin_with_the_base() -> None:
    assert availability_topic(BROKER) == "base/status"
    assert camera_topic(BROKER, "Küche 1", "record/set") == "base/camera/Kuche-1/record/set"
    assert camera_topic(BROKER, "+", "record/set") == "base/camera/+/record/set"


def test_messages_are_as_home_assistant_documents_them() -> None:
    found = announcements(BROKER, "door.1")
    assert len({each["unique_id"] for each in found.values()}) == len(found) == 15
    for topic, payload in found.items():
        check(topic, payload)
        assert payload["availability_topic"] == "base/status"
        assert payload["device"]["identifiers"] == ["base_door_1"]


def test_the_title_is_part_of_the_name_of_the_device() -> None:
    names = {
        title: {each["device"]["name"] for each in announcements(BROKER, "door", title).values()}
        for title in (None, "Haustür")
    }
    assert names == {None: {"door (base)"}, "Haustür": {"Haustür (base)"}}


def test_the_discovery_prefix_can_be_set() -> None:
    found = announcements(parse_broker("mqtt://h/base?discovery=ha/2"), "door")
    assert "ha/2/camera/base_door/image/config" in found
    assert all(topic.startswith("ha/2/") for topic in found)


def test_the_text_of_a_fault_fits_into_a_state() -> None:
    template = announcements(BROKER, "door")["homeassistant/sensor/base_door/last_fault/config"]
    fault = template["value_template"]
    assert len(render(fault, json.dumps({"last_fault": "x" * 1000}).encode())) == 255
    assert render(fault, b'{"last_fault": null}') == "None"


def test_the_level_of_sound_is_a_sensor_and_mute_a_switch() -> None:
    found = announcements(BROKER, "door")
    level = found["homeassistant/sensor/base_door/sound_level/config"]["value_template"]
    mute = found["homeassistant/switch/base_door/mute/config"]
    assert mute["command_topic"] == "base/camera/door/mute/set"
    for muted, decibels, shown, is_on in (
        (False, -23.5, "-23.5", "OFF"),
        (False, None, "None", "OFF"),
        (True, -80.0, "None", "ON"),
    ):
        state = json.dumps({"muted": muted, "audio_level_db": decibels}).encode()
        assert render(level, state) == shown
        assert render(mute["value_template"], state) == is_on


def test_motion_is_a_binary_sensor_and_its_detection_a_switch() -> None:
    found = announcements(BROKER, "door")
    sensor = found["homeassistant/binary_sensor/base_door/motion/config"]
    switch = found["homeassistant/switch/base_door/motion_detection/config"]
    assert sensor["device_class"] == "motion"
    assert switch["command_topic"] == "base/camera/door/motion/set"
    assert sensor["json_attributes_topic"] == "base/camera/door/event/motion"
    for camera, state, is_moving, is_on in (
        ("live", "off", "None", "OFF"),
        ("live", "quiet", "OFF", "ON"),
        ("live", "moving", "ON", "ON"),
        ("recovering", "quiet", "None", "ON"),
        ("stopped", "quiet", "None", "ON"),
    ):
        told = json.dumps({"state": camera, "motion": state}).encode()
        assert render(sensor["value_template"], told) == is_moving
        assert render(switch["value_template"], told) == is_on


def test_an_event_has_the_type_and_the_attributes_that_home_assistant_expects() -> None:
    found = announcements(BROKER, "door")
    motion = found["homeassistant/event/base_door/motion_event/config"]
    assert motion["state_topic"] == "base/camera/door/event/motion"
    told = render(motion["value_template"], b'{"event": "motion", "state": "begin", "id": "0a"}')
    assert json.loads(told) == {"event_type": "begin", "id": "0a"}
    assert motion["event_types"] == ["begin", "end"]
    detection = found["homeassistant/event/base_door/detection_event/config"]
    told = render(detection["value_template"], b'{"what": "cat", "state": "end", "id": "0a"}')
    assert json.loads(told) == {"event_type": "end", "what": "cat"}
