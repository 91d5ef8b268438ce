"""Events of ONVIF: topics, their filters, times of subscriptions, and messages (ONVIF Core, 9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from twistedcam.onvif.xml import Xml, children, element, local

#: The topics: motion, and no picture of a camera.
MOTION, SIGNAL_LOSS = "VideoSource/MotionAlarm", "VideoSource/SignalLoss"
TOPICS = (MOTION, SIGNAL_LOSS)
#: The dialects of topic expressions: paths, joined by "|", whose last part may be "//.".
DIALECTS = (
    "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet",
    "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete",
    "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Simple",
)
_DURATION = re.compile(
    r"P(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?:(?P<hours>[0-9]{1,7})H)?(?:(?P<minutes>[0-9]{1,8})M)?"
    r"(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?"
)
_PREFIX = re.compile(r"[A-Za-z_][\w.-]*:")


@dataclass(frozen=True)
class PropertyChange:
    """A property of a camera that has changed, or its value at the beginning.

    Arguments:
        topic: one of TOPICS.
        source: the token of the camera.
        state: the value.
        time: UNIX seconds.
        is_first: True if a subscription has not told the property before.
    """

    topic: str
    source: str
    state: bool
    time: float
    is_first: bool = False

    def as_xml(self) -> Xml:
        """Return the element NotificationMessage."""
        operation = "Initialized" if self.is_first else "Changed"
        message = element(
            "tt:Message",
            element("tt:Source", element("tt:SimpleItem", Name="Source", Value=self.source)),
            element("tt:Data", element("tt:SimpleItem", Name="State", Value=self.state)),
            UtcTime=utc_time(self.time),
            PropertyOperation=operation,
        )
        return element(
            "wsnt:NotificationMessage",
            element("wsnt:Topic", f"tns1:{self.topic}", Dialect=DIALECTS[0]),
            element("wsnt:Message", message),
        )


def topic_set() -> Xml:
    """Return the element TopicSet."""
    description = element(
        "tt:MessageDescription",
        element(
            "tt:Source",
            element("tt:SimpleItemDescription", Name="Source", Type="tt:ReferenceToken"),
        ),
        element("tt:Data", element("tt:SimpleItemDescription", Name="State", Type="xs:boolean")),
        IsProperty=True,
        xmlns__xs="http://www.w3.org/2001/XMLSchema",
    )
    found = [element(each.split("/")[1], description, wstop__topic=True) for each in TOPICS]
    return element("wstop:TopicSet", element("tns1:VideoSource", *found))


def filtered_topics(found: Element | None) -> frozenset[str]:
    """Return the topics that an element Filter lets pass; without one, or an empty one, all.

    Raises:
        ValueError: it is not valid, or filters by something else; the message says why.
    """
    expressions = []
    for each in () if found is None else found:
        if local(each) != "TopicExpression":
            raise ValueError("events are filtered by their topic only: TopicExpression")
        if each.get("Dialect", DIALECTS[0]) not in DIALECTS:
            raise ValueError(f"a topic expression has another dialect than {DIALECTS[0]}")
        expressions += [_PREFIX.sub("", part).strip() for part in (each.text or "").split("|")]
    if not any(expressions):
        return frozenset(TOPICS)
    matching = {topic for topic in TOPICS for each in expressions if _matches(each, topic)}
    if not matching:
        raise ValueError(f"there is no such topic; there are {', '.join(TOPICS)}")
    return frozenset(matching)


def _matches(expression: str, topic: str) -> bool:
    if expression.endswith("//."):
        start = expression.removesuffix("//.")
        return not start or topic == start or topic.startswith(f"{start}/")
    return topic == expression


def seconds_until(text: str, now: float) -> float:
    """Return the seconds until a time of a subscription's end, or of a duration.

    Arguments:
        text: ``PT60S``, or ``2030-01-01T00:00:00Z``.
        now: UNIX seconds.

    Raises:
        ValueError: it is neither.
    """
    found = _DURATION.fullmatch(text)
    if found is not None and any(found.groups()):
        days, hours, minutes, seconds = (float(each or 0) for each in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:60]!r} is neither a duration, such as PT60S, nor a time"
        ) from None


def utc_time(seconds: float) -> str:
    """Return a time in UNIX seconds as XML has it."""
    at = datetime.fromtimestamp(seconds, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def filter_of(body: Element) -> Element | None:
    """Return the element Filter of a request, or None."""
    return next(children(body, "Filter"), None)
