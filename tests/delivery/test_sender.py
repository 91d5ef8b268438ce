"""The interface of senders. Their behaviour is tested with each of them."""

from __future__ import annotations

import pytest

from tests.support.interfaces import missing_members
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED, Sender
from twistedcam.delivery.sendfile_sender import SendfileSender
from twistedcam.delivery.tls_sender import TlsSender
from twistedcam.delivery.transport_sender import TransportSender
from twistedcam.delivery.workers.remote_sender import RemoteSender


@pytest.mark.parametrize("kind", [SendfileSender, TlsSender, TransportSender, RemoteSender])
def test_each_sender_has_the_interface(kind: type) -> None:
    assert missing_members(kind, Sender) == []


def test_reading_pauses_long_before_a_connection_is_closed() -> None:
    assert 0 < HIGH_WATER * 16 <= MAX_QUEUED
