"""The header Transport as clients write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.rtsp.messages import BadRtsp
from twistedcam.servers.rtsp.transport_header import (
    ClientPorts,
    InterleavedChannels,
    UnsupportedTransport,
    choose_transport,
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", InterleavedChannels(0)),
        ("RTP/AVP/TCP;unicast;interleaved=6", InterleavedChannels(6)),
        ("RTP/AVP/TCP;interleaved=254-255", InterleavedChannels(254)),
        ("RTP/AVP/TCP", InterleavedChannels(None)),
        ("RTP/AVP;unicast;client_port=5000-5001", ClientPorts(5000, 5001)),
        ("RTP/AVP/UDP;unicast;client_port=5000", ClientPorts(5000, 5001)),
        ("rtp/avp;unicast;client_port=5000-5005;mode=play", ClientPorts(5000, 5005)),
        ('RTP/AVP;unicast;client_port=5000-5001;mode="PLAY"', ClientPorts(5000, 5001)),
        # The first that is possible, in the client's order.
        ("RTP/SAVP;unicast;client_port=1-2, RTP/AVP/TCP;interleaved=2-3", InterleavedChannels(2)),
        ("RTP/AVP;multicast,RTP/AVP;client_port=4000-4001", ClientPorts(4000, 4001)),
    ],
)
def test_the_first_possible_transport_is_chosen(
    header: str, found: InterleavedChannels | ClientPorts
) -> None:
    assert choose_transport(header, has_udp=True) == found


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("RTP/AVP;multicast;client_port=5000-5001", "unicast only"),
        ("RTP/SAVP;unicast;client_port=5000-5001", "sends RTP/AVP/TCP and RTP/AVP"),
        ("RTP/AVP;unicast;client_port=53-54", "1024 or higher"),
        ("RTP/AVP;unicast;client_port=1024-80", "1024 or higher"),
        ("RTP/AVP/TCP;interleaved=0-1;mode=record", "does not record"),
    ],
)
def test_a_transport_that_is_not_possible_is_refused_with_the_reason(
    header: str, reason: str
) -> None:
    with pytest.raises(UnsupportedTransport, match=reason):
        choose_transport(header, has_udp=True)


def test_packets_cannot_leave_some_connections() -> None:
    with pytest.raises(UnsupportedTransport, match="RTP/AVP/TCP"):
        choose_transport("RTP/AVP;unicast;client_port=5000-5001", has_udp=False)


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "RTP/AVP;unicast",
        "RTP/AVP;client_port=x-y",
        "RTP/AVP;client_port=70000-70001",
        "RTP/AVP/TCP;interleaved=255",
        "RTP/AVP/TCP;interleaved=300-301",
        "RTP/AVP/TCP;interleaved=-1",
    ],
)
def test_a_broken_header_is_an_error(header: str) -> None:
    with pytest.raises(BadRtsp):
        choose_transport(header, has_udp=True)


@given(st.text(max_size=100), st.booleans())
def test_any_text_is_a_transport_or_an_error(text: str, has_udp: bool) -> None:
    try:
        found = choose_transport(f"RTP/AVP;{text}", has_udp=has_udp)
    except (BadRtsp, UnsupportedTransport):
        return
    assert isinstance(found, InterleavedChannels) or (
        min(found.rtp, found.rtcp) >= 1024 and has_udp
    )
