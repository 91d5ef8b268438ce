"""Tests of the parser of WebSockets, a piece at a time."""

from __future__ import annotations

import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import ProtocolError

from twistedcam.servers.http.streams.websocket_input import WebSocketInput


def test_events_come_in_order_and_no_step_parses_more_than_a_piece() -> None:
    client, server = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    found: list[Event] = []
    parser = WebSocketInput(server, 16)
    assert not parser.parse()
    parser.add(client.send(TextMessage("a" * 5)) + client.send(Ping(b"b")) * 20)
    steps = 0
    while parser.parse():
        steps += 1
        taken = []
        while (event := parser.take()) is not None:
            taken.append(event)
        assert len(taken) <= 3
        found += taken
    assert [type(each) for each in found] == [TextMessage, *[Ping] * 20]
    assert steps == -(-(5 + 6 + 20 * 7) // 16)


def test_what_is_forgotten_is_not_parsed() -> None:
    parser = WebSocketInput(Connection(ConnectionType.SERVER), 4)
    parser.add(b"xx")
    parser.clear()
    assert not parser.parse()


def test_what_is_no_websocket_is_an_event_and_what_follows_an_error() -> None:
    server = Connection(ConnectionType.SERVER)
    parser = WebSocketInput(server, 4)
    parser.add(b"\xff\xff\xff\xff")
    parser.parse()
    event = parser.take()
    assert isinstance(event, CloseConnection) and event.code == 1002
    client = Connection(ConnectionType.CLIENT)
    server = Connection(ConnectionType.SERVER)
    parser = WebSocketInput(server, 64)
    parser.add(client.send(CloseConnection(1000)))
    parser.parse()
    event = parser.take()
    assert isinstance(event, CloseConnection)
    server.send(event.response())
    parser.add(b"more")
    with pytest.raises(ProtocolError):
        parser.parse()
