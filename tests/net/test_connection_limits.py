"""Connections are refused beyond the limits, and a closed one makes room for another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.task import Clock

from tests.servers.frames.test_server import Peer
from tests.support.control_client import ControlConnection
from tests.support.fakes import FakeScheme, make_server
from tests.support.http_site import Connection
from tests.support.process import ServerProcess
from tests.support.viewer import Viewer
from twistedcam import wire
from twistedcam.commands import standard_commands
from twistedcam.errors import TooMany
from twistedcam.net.connection_limits import RESERVED_FILES, ConnectionLimiter, ConnectionLimits
from twistedcam.servers.control.protocol import ControlFactory
from twistedcam.servers.frames import FrameFactory
from twistedcam.servers.http import HttpFactory
from twistedcam.sources.spec import SourceSpec


def address(number: int) -> IPv4Address:
    return IPv4Address("TCP", f"192.0.2.{number}", 1)


def test_connections_beyond_the_limit_are_refused() -> None:
    limiter = ConnectionLimiter(ConnectionLimits(connections=3))
    admissions = [limiter.admit(address(each)) for each in range(3)]
    with pytest.raises(TooMany, match="3 connections already"):
        limiter.admit(address(9))
    admissions[0].leave()
    admissions[0].leave()
    limiter.admit(address(9))
    assert len(limiter) == 3


def test_one_address_cannot_use_all_connections() -> None:
    limiter = ConnectionLimiter(ConnectionLimits(per_address=2))
    admissions = [limiter.admit(address(1)) for _ in range(2)]
    with pytest.raises(TooMany, match="from this address"):
        limiter.admit(address(1))
    limiter.admit(address(2))
    admissions[0].leave()
    limiter.admit(address(1))


@pytest.mark.parametrize(
    "peer", [IPv4Address("TCP", "127.0.0.1", 1), IPv6Address("TCP", "::1", 1), UNIXAddress(None)]
)
def test_programs_on_this_machine_are_counted_in_all_only(peer: Any) -> None:
    limiter = ConnectionLimiter(ConnectionLimits(connections=5, per_address=1))
    for _ in range(5):
        limiter.admit(peer)
    with pytest.raises(TooMany):
        limiter.admit(peer)


def test_those_who_have_said_nothing_yet_are_few() -> None:
    limiter = ConnectionLimiter(ConnectionLimits(unjoined=2))
    first, second = (limiter.admit(address(1), has_to_join=True) for _ in range(2))
    with pytest.raises(TooMany, match="first message"):
        limiter.admit(address(2), has_to_join=True)
    limiter.admit(address(2))
    first.joined()
    first.joined()
    limiter.admit(address(2), has_to_join=True)
    second.leave()
    first.leave()
    assert limiter.unjoined == 1


def test_an_open_file_counts_like_a_connection() -> None:
    limiter = ConnectionLimiter(ConnectionLimits(connections=3))
    limiter.admit(address(1))
    closed = [limiter.open_file() for _ in range(2)]
    with pytest.raises(TooMany, match="more files"):
        limiter.open_file()
    with pytest.raises(TooMany):
        limiter.admit(address(2))
    closed[0]()
    admission = limiter.admit(address(2))
    admission.leave()
    limiter.open_file()


def test_some_files_are_reserved() -> None:
    limits = ConnectionLimits(connections=4096)
    assert limits.within(None) == limits
    assert limits.within(1024).connections == 1024 - RESERVED_FILES
    assert limits.within(100).connections == 50
    assert limits.within(1_000_000).connections == 4096


def test_a_lowered_limit_on_files_applies_immediately() -> None:
    files = 1000
    limiter = ConnectionLimiter(files=lambda: files)
    for number in range(20):
        limiter.admit(address(number))
    files = 40
    with pytest.raises(TooMany, match="20 connections already"):
        limiter.admit(address(99))


def test_each_port_reports_too_many_connections(tmp_path: Path) -> None:
    clock = Clock()
    with FakeScheme():
        server = make_server(clock, tmp_path)
        server.add_camera("cam", SourceSpec("fake", "", {}, "fake:"))
        server.connection_limiter = ConnectionLimiter(ConnectionLimits(connections=1))
        frames = FrameFactory(server, clock)
        first = Peer(frames)
        assert isinstance(first.received()[0], wire.Hello)
        second = Peer(frames)
        [error] = second.received()
        assert isinstance(error, wire.Error)
        assert (error.code, second.closed) == ("too-many", True)
        transport = ControlConnection(ControlFactory(server, standard_commands())).transport
        assert transport.disconnecting
        browser = Connection(HttpFactory(lambda request: None, server))
        browser.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert browser.take().startswith(b"HTTP/1.1 503 ")
        first.protocol.connectionLost()
        assert isinstance(Peer(frames).received()[0], wire.Hello)


def test_a_viewer_beyond_the_limit_is_refused_and_others_continue(tmp_path: Path) -> None:
    options = ["--camera", "pattern:?size=160x120", "--max-connections", "3"]
    with ServerProcess(tmp_path, *options) as server:
        viewers = [Viewer(server.frames) for _ in range(3)]
        for viewer in viewers:
            viewer.until(wire.FrameMessage)
        late = Viewer(server.frames)
        late.until(wire.Error, code="too-many")
        late.close()
        for viewer in viewers:
            viewer.until(wire.FrameMessage)
            viewer.close()
        assert "Traceback" not in server.log
