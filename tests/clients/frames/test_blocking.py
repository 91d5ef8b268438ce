"""The reader for programs without an event loop, against a server on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.support.fakes import TINY_JPEG
from tests.support.process import PATIENCE
from twistedcam import Disconnected, Frame, UnknownCamera, wire
from twistedcam.clients.frames import CameraAddress
from twistedcam.clients.frames.blocking import FrameReader, reason_of


def frames(*numbers: int) -> bytes:
    state = wire.State("cam", "live", 1, 1).encode()
    return state + b"".join(wire.frame_message(Frame(seq, seq, 1, 1, TINY_JPEG)) for seq in numbers)


@contextmanager
def serving(*answers: bytes) -> Iterator[CameraAddress]:
    """A server that sends HELLO and an answer to each connection, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)

        def run() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection, suppress(ConnectionError):
                    connection.sendall(wire.Hello("test", nonce="00").encode())
                    connection.recv(4096)
                    connection.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        yield CameraAddress("127.0.0.1", listener.getsockname()[1])
        thread.join(PATIENCE)


@contextmanager
def reading(
    target: CameraAddress, reconnect: bool, on_frame: Callable[[Frame], None] | None = None
) -> Iterator[FrameReader]:
    reader = FrameReader(target, reconnect, on_frame)
    reader.start()
    try:
        yield reader
    finally:
        reader.close()


def take_all(reader: FrameReader, taken: list[int]) -> None:
    while frame := reader.take(PATIENCE):
        taken.append(frame.seq)


def test_all_frames_are_counted_and_the_newest_is_taken() -> None:
    seen: list[int] = []
    with (
        serving(frames(1, 2, 5)) as target,
        reading(target, False, lambda frame: seen.append(frame.seq)) as reader,
    ):
        taken: list[int] = []
        # It is reset if the reader acknowledges a frame at that moment.
        with pytest.raises(Disconnected, match=r"has closed the connection|reset by peer"):
            take_all(reader, taken)
        assert taken == sorted(set(taken))
        assert (seen, taken[-1]) == ([1, 2, 5], 5)
        assert (reader.frames, reader.missed, reader.state.state) == (3, 2, "lost")


def test_a_lost_connection_is_made_again() -> None:
    with serving(frames(1), frames(2)) as target, reading(target, True) as reader:
        numbers = []
        while 2 not in numbers:
            frame = reader.take(PATIENCE)
            assert frame is not None
            numbers.append(frame.seq)
        assert reader.connections == 2


def test_a_refusal_ends_the_reader() -> None:
    refusal = wire.Error("no-such-camera", "there is no camera 'x'").encode()
    with serving(refusal) as target, reading(target, True) as reader:
        with pytest.raises(UnknownCamera, match="there is no camera 'x'"):
            reader.take(PATIENCE)
        assert reader.ended


def test_a_closed_reader_has_no_more_frames() -> None:
    with serving(frames(1)) as target, reading(target, True) as reader:
        assert reader.take(PATIENCE) is not None
        reader.close()
        reader.close()
        assert reader.take(PATIENCE) is None


def test_a_refused_connection_has_advice() -> None:
    assert reason_of(ConnectionRefusedError(111, "Connection refused")) == (
        "Connection refused: is the server running there? (twistedcam serve)"
    )
    assert reason_of(OSError("broken")) == "broken"
