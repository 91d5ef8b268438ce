"""A connection is counted while it is open, and ends whatever its client does."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from twistedcam.errors import TooMany
from twistedcam.net.connection_limits import ConnectionLimiter, ConnectionLimits
from twistedcam.net.connections import Connections, ManagedConnection, send_without_delay
from twistedcam.net.graceful_close import LINGER
from twistedcam.net.refusal_log import RefusalLog
from twistedcam.runtime.scheduler import Job, Scheduler, StepResult


class Transport(StringTransport):
    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class Port:
    """A factory whose port may have two connections."""

    def __init__(self) -> None:
        self.clock: Any = Clock()
        self.limiter = ConnectionLimiter(ConnectionLimits(connections=2))
        self.connections: Connections[Connection] = Connections(
            self.clock, self.limiter, RefusalLog(self.clock)
        )


class Connection(ManagedConnection):
    def __init__(self, port: Port) -> None:
        self.factory = port
        self.transport = Transport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4711))
        self.is_held = False
        self._job = Job(Scheduler(port.clock), lambda: StepResult.BLOCKED, self._on_hold)

    def _on_hold(self, is_held: bool) -> None:
        self.is_held = is_held


def test_a_connection_is_counted_until_it_is_lost() -> None:
    port = Port()
    first, second = Connection(port), Connection(port)
    first._register()
    second._register()
    assert (len(port.connections), len(port.limiter)) == (2, 2)
    assert first._job.source == "192.0.2.1"
    emptied = port.connections.when_empty()
    first._unregister()
    assert not emptied.called
    second._unregister()
    second._unregister()
    assert emptied.called and len(port.limiter) == 0


def test_one_that_is_refused_is_waited_for_all_the_same() -> None:
    port = Port()
    for _ in range(2):
        Connection(port)._register()
    late = Connection(port)
    with pytest.raises(TooMany):
        late._register()
    assert late in port.connections
    assert len(port.limiter) == 2
    late._unregister()
    assert late not in port.connections


def test_a_new_deadline_replaces_the_previous_one_and_ends_with_the_connection() -> None:
    port, expired = Port(), list[str]()
    connection = Connection(port)
    connection._register()
    connection._deadline.start(1, lambda: expired.append("first"))
    connection._deadline.start(2, lambda: expired.append("second"))
    port.clock.advance(3)
    assert expired == ["second"]
    connection._deadline.start(1, lambda: expired.append("third"))
    connection._unregister()
    assert port.clock.getDelayedCalls() == []


def test_a_connection_that_its_client_keeps_open_is_aborted() -> None:
    port = Port()
    for linger in (True, False):
        connection = Connection(port)
        connection._register()
        connection._deadline.start(1, lambda: None)
        connection._close_gracefully(linger)
        port.clock.advance(LINGER - 0.1)
        assert not connection.transport.aborted
        port.clock.advance(0.1)
        assert connection.transport.aborted
        connection._unregister()


def test_a_connection_that_its_client_closes_is_not_aborted() -> None:
    port = Port()
    connection = Connection(port)
    connection._register()
    connection._close_gracefully()
    connection._unregister()
    assert port.clock.getDelayedCalls() == []


def test_no_work_is_done_for_a_connection_that_is_lost() -> None:
    port = Port()
    connection = Connection(port)
    connection._register()
    connection._job.add()
    assert connection.is_held
    connection._unregister()
    connection._job.resume()
    assert port.clock.getDelayedCalls() == []


def test_refusals_of_one_address_are_logged_once() -> None:
    port = Port()
    first, second = Connection(port), Connection(port)
    for each in (first, second):
        each._register()
    assert first._is_logged("too many")
    assert not second._is_logged("too many")
    assert second._is_logged("too slow")


def test_a_connection_without_the_option_for_no_delay_is_left_alone() -> None:
    class Tcp:
        no_delay = False

        def setTcpNoDelay(self, enabled: bool) -> None:
            self.no_delay = enabled

    transport = Tcp()
    send_without_delay(transport)
    send_without_delay(object())  # such as a UNIX socket
    assert transport.no_delay
