"""A relay's other server may say anything, at any rate: it costs one line in the log."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from twisted.logger import capturedLogs

from tests.support.fakes import TINY_JPEG
from tests.support.process import PATIENCE
from twistedcam import wire
from twistedcam.clients.frames.address import parse_target
from twistedcam.errors import CameraFailed
from twistedcam.media.frame import Frame
from twistedcam.sources import relay
from twistedcam.sources.base import Paused
from twistedcam.sources.relay import RelaySource

HELLO = wire.Hello("hostile").encode()


@contextlib.contextmanager
def server(messages: bytes, times: int = 1, hello: bytes = HELLO) -> Iterator[str]:
    """A server that sends this to whoever comes, and closes; its address."""

    def serve() -> None:
        for _ in range(times):
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    connection.sendall(hello)
                    connection.recv(1 << 16)
                    connection.sendall(messages)
                    while connection.recv(1 << 16):
                        pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"twistedcam://127.0.0.1:{listening.getsockname()[1]}/cam"
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _read_on(source: RelaySource) -> None:
    while True:
        source.read()


@contextlib.contextmanager
def opened(address: str) -> Iterator[RelaySource]:
    source = RelaySource(parse_target(address), wait=0.05)
    try:
        yield source
    finally:
        source.close()


@pytest.mark.parametrize("size", [(30000, 30000), (-5, 480), (10**9, 10**9), (2**63, 1)])
def test_an_impossible_size_is_not_taken_and_logged_once(size: tuple[int, int]) -> None:
    said = wire.State("cam", "stopped", *size, reason="off").encode()
    with server(said * 3, times=2) as address, capturedLogs() as events:
        for _ in range(2):  # a new connection says it again
            with opened(address) as source:
                granted = source.open()
                assert (granted.width, granted.height) == (0, 0)
                with pytest.raises(Paused, match="is stopped: off"):
                    source.read()
    lines = [event for event in events if event.get("what")]
    assert len(lines) == 1
    assert "pictures of " in lines[0]["what"]


def test_a_flood_of_reasons_is_passed_on_some_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "MAX_MESSAGES", 1e9)  # this test is of what is passed on
    states = [wire.State("cam", "stopped", reason=f"reason {n}").encode() for n in range(5000)]
    heard: list[str] = []
    with server(b"".join(states)) as address, opened(address) as source:
        began = time.monotonic()
        source.open()
        while not heard or not heard[-1].endswith("reason 4999"):
            try:
                source.read()
            except Paused as pause:
                heard.append(str(pause))
        seconds = time.monotonic() - began
    assert len(set(heard)) <= relay.MAX_CHANGES * seconds + 2
    assert len(source._frames) == 0


def test_a_reason_that_stays_is_told_whenever_it_is_asked_for() -> None:
    with (
        server(wire.State("cam", "stopped", reason="off").encode()) as address,
        opened(address) as source,
    ):
        source.open()
        for _ in range(3):
            with pytest.raises(Paused, match="stopped: off"):
                source.read()


@pytest.mark.parametrize(
    "message", [wire.State("cam", "live"), wire.Ping()], ids=lambda message: type(message).__name__
)
def test_a_server_that_never_stops_talking_is_read_slowly(
    message: wire.Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    flood = wire.State("cam", "live").encode() + message.encode() * 60_000
    with server(flood) as address, opened(address) as source:
        monkeypatch.setattr(source._interrupted, "wait", waits.append)
        source.open()
        for _ in range(5):
            with contextlib.suppress(Paused):
                source.read()
        read = source._session.other_messages
    assert len(waits) >= 5
    # Whatever came at once before it was known, no read takes in more than it waits for.
    assert max(waits) <= 1.0
    assert source._chunk == relay._SMALL_CHUNK
    assert read < 60_000


def test_pictures_between_many_messages_still_come() -> None:
    frame = Frame(1, 10**15, 1, 1, TINY_JPEG)
    some = b"".join(wire.Ping(bytes(7) + bytes([n])).encode() for n in range(10))
    said = wire.State("cam", "live", 1, 1).encode() + (some + wire.frame_message(frame)) * 3
    with server(said) as address, opened(address) as source:
        source.open()
        found = [grab for _ in range(8) if (grab := source.read()) is not None]
    assert [grab.jpeg for grab in found] == [TINY_JPEG] * 3


def test_who_waits_for_a_flood_to_pass_can_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MAX_MESSAGES", 1e9)
    flood = wire.State("cam", "live").encode() * 2000
    with server(flood) as address, opened(address) as source:
        source.interrupt()
        assert source._interrupted.is_set()
        source.open()
        assert not source._interrupted.is_set()
        source.interrupt()
        with pytest.raises(CameraFailed):
            _read_on(source)


@pytest.mark.parametrize(
    "hello", [b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(5000), b"OK mpd 0.2\n"]
)
def test_what_is_no_frame_port_is_said_with_its_address_once(hello: bytes) -> None:
    with server(b"", hello=hello) as url:
        source = RelaySource(parse_target(url))
        with pytest.raises(CameraFailed) as error:
            source.open()
        source.close()
    reason = str(error.value)
    assert reason.startswith(f"{url} is not a frame port of twistedcam; ")
    assert reason.count(url) == 1
