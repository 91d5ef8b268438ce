"""The event service of ONVIF (events.wsdl) with its pull points: motion, and lost pictures."""

from __future__ import annotations

import time

from twistedcam.net.addresses import source_of
from twistedcam.onvif.notifications import (
    DIALECTS,
    filter_of,
    filtered_topics,
    seconds_until,
    topic_set,
    utc_time,
)
from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import Xml, element, joined
from twistedcam.servers.onvif.device import service_capabilities
from twistedcam.servers.onvif.pull_points import DEFAULT_TIME, MAX_CHANGES, PullPoint
from twistedcam.servers.onvif.request import Action, OnvifRequest

#: The beginning of the name of a subscription's service, before its id.
_SERVICE = "subscription-"
#: The longest that a pull waits, in seconds.
MAX_PULL = 60.0


def _get_service_capabilities(request: OnvifRequest) -> Xml:
    return element("tev:GetServiceCapabilitiesResponse", service_capabilities("tev"))


def _get_event_properties(request: OnvifRequest) -> Xml:
    return element(
        "tev:GetEventPropertiesResponse",
        element(
            "tev:TopicNamespaceLocation",
            "http://www.onvif.org/onvif/ver10/topics/topicns.xml",
        ),
        element("wsnt:FixedTopicSet", True),
        topic_set(),
        *(element("wsnt:TopicExpressionDialect", each) for each in DIALECTS[:2]),
        element(
            "tev:MessageContentFilterDialect",
            "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter",
        ),
        element(
            "tev:MessageContentSchemaLocation",
            "http://www.onvif.org/onvif/ver10/schema/onvif.xsd",
        ),
    )


def _create_pull_point_subscription(request: OnvifRequest) -> Xml:
    seconds = _seconds(request, "InitialTerminationTime", DEFAULT_TIME)
    try:
        topics = filtered_topics(filter_of(request.body))
    except ValueError as error:
        raise SoapFault(str(error), "ter:InvalidArgVal", "ter:InvalidFilter") from None
    address = source_of(request.http.getClientAddress())
    made = request.pull_points.open(address, request.grant, topics, seconds)
    return element(
        "tev:CreatePullPointSubscriptionResponse",
        element(
            "tev:SubscriptionReference",
            element("wsa5:Address", request.service_address(_SERVICE + made.id)),
        ),
        _times(made, "wsnt"),
    )


async def _pull_messages(request: OnvifRequest) -> Xml:
    found = _subscription(request)
    timeout = min(max(0.0, _seconds(request, "Timeout", MAX_PULL)), MAX_PULL)
    limit = request.argument("MessageLimit") or str(MAX_CHANGES)
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and int(limit)):
        raise SoapFault("MessageLimit is a number from 1 on", "ter:InvalidArgVal")
    request.http.notifyFinish().addErrback(lambda _: found.abandon_pull())
    changes = await found.pull(timeout, int(limit))
    return element(
        "tev:PullMessagesResponse",
        _times(found, "tev"),
        *(each.as_xml() for each in changes),
    )


def _renew(request: OnvifRequest) -> Xml:
    found = _subscription(request)
    found.renew(_seconds(request, "TerminationTime", DEFAULT_TIME))
    now = time.time()
    return element(
        "wsnt:RenewResponse",
        element("wsnt:TerminationTime", utc_time(now + found.seconds_left)),
        element("wsnt:CurrentTime", utc_time(now)),
    )


def _unsubscribe(request: OnvifRequest) -> Xml:
    request.pull_points.close(_subscription(request))
    return element("wsnt:UnsubscribeResponse")


def _set_synchronization_point(request: OnvifRequest) -> Xml:
    request.pull_points.synchronize(_subscription(request))
    return element("tev:SetSynchronizationPointResponse")


def _subscription(request: OnvifRequest) -> PullPoint:
    """Return the subscription whose address the request was sent to.

    Raises:
        SoapFault: there is none.
    """
    return request.pull_points.find(request.path.removeprefix(_SERVICE), request.grant)


def _seconds(request: OnvifRequest, name: str, default: float) -> float:
    text = request.argument(name)
    if not text:
        return default
    try:
        return seconds_until(text, time.time())
    except ValueError as error:
        raise SoapFault(f"{name}: {error}", "ter:InvalidArgVal") from None


def _times(found: PullPoint, prefix: str) -> Xml:
    now = time.time()
    return joined(
        [
            element(f"{prefix}:CurrentTime", utc_time(now)),
            element(f"{prefix}:TerminationTime", utc_time(now + found.seconds_left)),
        ]
    )


#: All actions by prefix and name; they need the right ``view``.
ACTIONS: dict[tuple[str, str], Action] = {
    ("tev", "GetServiceCapabilities"): _get_service_capabilities,
    ("tev", "GetEventProperties"): _get_event_properties,
    ("tev", "CreatePullPointSubscription"): _create_pull_point_subscription,
    ("tev", "PullMessages"): _pull_messages,
    ("tev", "SetSynchronizationPoint"): _set_synchronization_point,
    ("wsnt", "Renew"): _renew,
    ("wsnt", "Unsubscribe"): _unsubscribe,
}
