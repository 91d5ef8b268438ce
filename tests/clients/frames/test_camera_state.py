"""Impossible values in the states of a server are replaced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.frames.test_session import joined
from twistedcam import wire
from twistedcam.clients.frames import CameraAddress
from twistedcam.clients.frames.camera_state import MAX_FPS, MAX_REASON, check_state
from twistedcam.clients.frames.session import ClientSession
from twistedcam.errors import TwistedcamError
from twistedcam.media import jpeg


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (640, 480), (10000, 10000), (65535, 1525)])
def test_a_possible_size_is_kept(size: tuple[int, int]) -> None:
    state, refused = check_state(wire.State("cam", "live", *size, 29.97))
    assert (state.width, state.height, state.fps, refused) == (*size, 29.97, "")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((30000, 30000), "pictures of 30000x30000"),
        ((-5, 480), "pictures of -5x480"),
        ((10**9, 1), "pictures of 1e+09x1"),
        ((2**64, 2**64), "pictures of 1.84e+19x1.84e+19"),
        ((0, 480), "pictures of 0x480"),
        ((65536, 1), "pictures of 65536x1"),
        ((10001, 10000), "pictures of 10001x10000"),
    ],
)
def test_an_impossible_size_is_replaced(size: tuple[int, int], words: str) -> None:
    state, refused = check_state(wire.State("cam", "stopped", *size, reason="r"))
    assert (state.width, state.height, state.reason, refused) == (0, 0, "r", words)


@pytest.mark.parametrize("fps", [-1.0, 1e300, MAX_FPS + 1, float("inf"), float("nan")])
def test_an_impossible_rate_is_replaced(fps: float) -> None:
    state, refused = check_state(wire.State("cam", "live", 640, 480, fps))
    assert (state.width, state.fps) == (640, 0.0)
    assert "pictures a second" in refused


def test_texts_are_shortened_and_put_on_one_line() -> None:
    long = wire.State("c" * 9000, "s\n" * 9000, reason="r\x1b[2J" * 9000, via=("v" * 9000,) * 3)
    state, refused = check_state(long)
    assert refused == ""
    assert state.reason is not None
    assert (len(state.camera), len(state.state), len(state.reason)) == (64, 64, MAX_REASON)
    assert state.state.isprintable() and state.reason.isprintable()
    assert [len(word) for word in state.via] == [64] * 3


@given(st.integers(-(2**64), 2**64), st.integers(-(2**64), 2**64), st.floats())
def test_a_checked_size_is_always_possible(width: int, height: int, fps: float) -> None:
    state, _ = check_state(wire.State("cam", "live", width, height, fps))
    assert 0 <= state.width * state.height <= jpeg.MOST_PIXELS
    assert state.width >= 0 and state.height >= 0 and 0 <= state.fps <= MAX_FPS


def test_a_session_yields_checked_states_and_keeps_the_first_description() -> None:
    session = joined(ClientSession(CameraAddress()))
    for size in ((30000, 30000), (-5, -5)):
        (state,) = session.receive(wire.State("cam", "stopped", *size).encode(), 1.0)
        assert state == wire.State("cam", "stopped")
        assert session.state == state
    assert session.refused == "pictures of 30000x30000"


@pytest.mark.parametrize(
    "message",
    [
        wire.Error("busy", "a\nOK\r\n\x1b[2J\u202e\u2028b"),
        wire.Error("x\nOK\x1b[2J", ""),
        wire.Hello("a\nOK\x1b[2J" * 900, protocol=9),
    ],
)
def test_error_texts_of_a_server_are_one_short_line(message: wire.Error | wire.Hello) -> None:
    with pytest.raises(TwistedcamError) as caught:
        list(ClientSession(CameraAddress()).receive(message.encode(), 1.0))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= MAX_REASON


def test_an_error_text_is_shortened() -> None:
    session = joined(ClientSession(CameraAddress()))
    with pytest.raises(Exception, match="xxx") as caught:
        list(session.receive(wire.Error("busy", "x" * 9000).encode(), 1.0))
    assert len(str(caught.value)) == MAX_REASON
