"""Topics, times and messages of events."""

from __future__ import annotations

import pytest

from twistedcam.onvif.notifications import (
    MOTION,
    SIGNAL_LOSS,
    TOPICS,
    PropertyChange,
    filter_of,
    filtered_topics,
    seconds_until,
    topic_set,
    utc_time,
)
from twistedcam.onvif.xml import child, element, parse_xml, text

WSNT = "http://docs.oasis-open.org/wsn/b-2"
CONCRETE = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"


def topics(expression: str, name: str = "TopicExpression", dialect: str = CONCRETE) -> set[str]:
    inner = element(f"w:{name}", expression, Dialect=dialect)
    body = parse_xml(element("x", element("w:Filter", inner), xmlns__w=WSNT).encode())
    return set(filtered_topics(filter_of(body)))


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("tns1:VideoSource/MotionAlarm", {MOTION}),
        ("tns1:VideoSource//.", set(TOPICS)),
        ("a:RuleEngine//.|b:VideoSource/SignalLoss", {SIGNAL_LOSS}),
        (" tns1:VideoSource/tns1:MotionAlarm ", {MOTION}),
        ("//.", set(TOPICS)),
        ("", set(TOPICS)),
    ],
)
def test_topics_are_chosen_by_paths(expression: str, found: set[str]) -> None:
    assert topics(expression) == found


def test_without_a_filter_all_topics_are_wanted() -> None:
    assert filtered_topics(None) == set(TOPICS)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("tns1:Device//.",), "no such topic"),
        (("x", "MessageContent"), "by their topic only"),
        (("x", "TopicExpression", "http://www.w3.org/TR/xpath"), "dialect"),
    ],
)
def test_other_filters_are_refused_with_the_reason(words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        topics(*words)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT60S", 60),
        ("PT1H2M3.5S", 3723.5),
        ("P1DT1S", 86401),
        ("1970-01-01T00:20:00Z", 200),
        ("1970-01-01T01:20:00+01:00", 200),
        ("1970-01-01T00:20:00", 200),
    ],
)
def test_times_are_durations_or_absolute(text: str, seconds: float) -> None:
    assert seconds_until(text, 1000.0) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "60", "tomorrow", "PT-5S", "P1Y", "9" * 99])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="neither a duration"):
        seconds_until(text, 0.0)


def test_a_change_names_its_topic_camera_and_value() -> None:
    spaces = {"xmlns__wsnt": WSNT, "xmlns__tt": "tt"}
    made = PropertyChange(MOTION, "door", True, 1.5, is_first=True).as_xml()
    found = child(parse_xml(element("x", made, **spaces).encode()), "NotificationMessage")
    message = child(found, "Message", "Message")
    assert text(found, "Topic") == "tns1:VideoSource/MotionAlarm"
    assert message is not None
    assert message.attrib == {
        "UtcTime": "1970-01-01T00:00:01.500Z",
        "PropertyOperation": "Initialized",
    }
    for path, name, value in (("Source", "Source", "door"), ("Data", "State", "true")):
        item = child(message, path, "SimpleItem")
        assert item is not None
        assert item.attrib == {"Name": name, "Value": value}
    assert "Changed" in PropertyChange(MOTION, "door", True, 1.5).as_xml()
    assert utc_time(0.0) == "1970-01-01T00:00:00.000Z"


def test_the_set_of_topics_has_each_of_them() -> None:
    spaces = {"xmlns__wstop": "w", "xmlns__tns1": "t", "xmlns__tt": "tt"}
    found = child(parse_xml(element("x", topic_set(), **spaces).encode()), "TopicSet")
    for each in TOPICS:
        topic = child(found, *each.split("/"))
        assert topic is not None
        assert topic.get("{w}topic") == "true"
