"""The client's side of the protocol, on bytes alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import TINY_JPEG
from twistedcam import wire
from twistedcam.clients.frames import CameraAddress, ClientSession
from twistedcam.clients.frames import session as session_module
from twistedcam.clients.frames.blocking import FrameReader
from twistedcam.clients.frames.session import MAX_FPS, MAX_REASON, check_codecs, check_state
from twistedcam.clients.frames.twisted import FrameClient
from twistedcam.errors import (
    BadArgument,
    BadMessage,
    Busy,
    Disconnected,
    Silence,
    TwistedcamError,
    Unauthorized,
    UnsupportedCodec,
    VersionMismatch,
)
from twistedcam.media import jpeg
from twistedcam.media.frame import Frame

HELLO = wire.Hello("twistedcam/1", nonce="ab" * 32)
LIVE = wire.State("cam", "live", 640, 480, 30.0)


class Wall:
    """A wall clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def frame(seq: int, width: int = 1, jpeg: bytes = TINY_JPEG) -> wire.FrameMessage:
    return wire.FrameMessage(Frame(seq, 1_000_000, width, 1, jpeg))


def said(session: ClientSession) -> list[wire.Message]:
    return list(wire.Decoder().feed(session.output()))


def joined(session: ClientSession) -> ClientSession:
    list(session.receive(HELLO.encode() + LIVE.encode(), 0.0))
    session.output()
    return session


def test_codecs_are_checked() -> None:
    assert check_codecs("h264") == ("h264",)
    assert check_codecs(["hevc", "mjpeg", "opus"]) == ("hevc", "mjpeg", "opus")
    for wrong in ("h.264", "h264,mjpeg", ["h264", "vp9"], [""]):
        with pytest.raises(BadArgument, match="is unknown: use mjpeg, h264"):
            ClientSession(CameraAddress("h"), codecs=wrong)
    with pytest.raises(BadArgument, match="at least one codec"):
        FrameReader(CameraAddress("h"), codecs=())
    with pytest.raises(BadArgument, match=r"codec 'h\.264' is unknown"):
        FrameClient(None, CameraAddress("h"), lambda _: None, codecs="h.264")


def test_it_joins_after_hello() -> None:
    session = ClientSession(CameraAddress("h", camera="door", fps=2))
    list(session.receive(HELLO.encode(), 0.0))
    join, ping = said(session)
    assert join == wire.Join("view", "door", 2, 2, None, clock=True)
    assert isinstance(ping, wire.Ping)


def test_a_token_is_proved_and_never_sent() -> None:
    session = ClientSession(CameraAddress("h", token="secret"))
    list(session.receive(wire.Hello("s", auth=True, nonce="cd" * 32).encode(), 0.0))
    out = session.output()
    join = next(wire.Decoder().feed(out))
    assert isinstance(join, wire.Join) and join.mac is not None
    assert wire.mac_matches(join.mac, "secret", "view", "cd" * 32)
    assert b"secret" not in out


def test_without_a_token_it_says_that_one_is_needed() -> None:
    session = ClientSession(CameraAddress("h"))
    with pytest.raises(Unauthorized, match="token"):
        list(session.receive(wire.Hello("s", auth=True).encode(), 0.0))


def test_another_version_of_the_protocol_is_refused() -> None:
    with pytest.raises(VersionMismatch):
        list(ClientSession(CameraAddress("h")).receive(wire.Hello("s", protocol=2).encode(), 0.0))


def test_frames_come_in_order_are_acknowledged_and_gaps_are_counted() -> None:
    session = joined(ClientSession(CameraAddress("h")))
    data = frame(3).encode() + frame(4).encode() + frame(9).encode()
    seqs = [item.seq for item in session.receive(data, 0.0) if isinstance(item, Frame)]
    assert seqs == [3, 4, 9]
    assert said(session) == [wire.Ack(3), wire.Ack(4), wire.Ack(9)]
    assert session.missed == 4


def test_a_server_that_begins_anew_is_no_gap() -> None:
    session = joined(ClientSession(CameraAddress("h")))
    list(session.receive(frame(900).encode() + frame(1).encode(), 0.0))
    assert session.missed == 0


def test_a_frame_before_any_state_is_out_of_turn() -> None:
    session = ClientSession(CameraAddress("h"))
    with pytest.raises(BadMessage):
        list(session.receive(HELLO.encode() + frame(1).encode(), 0.0))


@pytest.mark.parametrize("greeting", [b"OK twistedcam 0.1.0\n", b"HTTP/1.1 400", b"TLS hello"])
def test_another_port_than_that_for_frames_is_named_with_what_to_do(greeting: bytes) -> None:
    session = ClientSession(CameraAddress("h", 9531, token="secret"))
    with pytest.raises(BadMessage) as caught:
        list(session.receive(greeting, 0.0))
    said = str(caught.value)
    assert said.startswith("twistedcam://h:9531 is not a frame port of twistedcam; ")
    assert "9530 by default" in said
    with pytest.raises(BadMessage, match=r"^there is no message of type"):  # it has said HELLO
        list(joined(ClientSession(CameraAddress("h"))).receive(b"T" * 8, 0.0))


@pytest.mark.parametrize(
    "broken",
    [
        frame(2, width=2),
        frame(2, jpeg=TINY_JPEG[:-20]),
        frame(2, jpeg=TINY_JPEG + b"\0"),
        frame(2, jpeg=b"no picture"),
    ],
)
def test_a_picture_that_belies_its_header_is_a_bad_message(broken: wire.FrameMessage) -> None:
    session = joined(ClientSession(CameraAddress("h")))
    items = session.receive(frame(1).encode() + broken.encode(), 0.0)
    assert isinstance(next(items), Frame)
    with pytest.raises(BadMessage, match="frame 2"):
        next(items)
    assert said(session) == [wire.Ack(1)]


def test_the_server_s_errors_come_out_as_ours() -> None:
    session = joined(ClientSession(CameraAddress("h"), role="publish"))
    with pytest.raises(Busy, match="somebody publishes"):
        list(session.receive(wire.Error("busy", "somebody publishes").encode(), 0.0))
    with pytest.raises(Disconnected):
        list(joined(ClientSession(CameraAddress("h"))).receive(wire.Bye().encode(), 0.0))


def test_it_answers_pings_asks_itself_and_gives_up_after_silence() -> None:
    session = joined(ClientSession(CameraAddress("h")))
    list(session.receive(wire.Ping(b"12345678").encode(), 1.0))
    assert said(session) == [wire.Pong(b"12345678")]
    session.tick(2.5)
    assert [type(message) for message in said(session)] == [wire.Ping]
    with pytest.raises(Silence):
        session.tick(11.5)


def test_the_server_s_clock_is_learned_from_the_ping_behind_the_pong() -> None:
    wall = Wall()
    session = ClientSession(CameraAddress("h"), wall=wall)
    list(session.receive(HELLO.encode() + LIVE.encode(), 5.0))
    _, ping = said(session)
    assert isinstance(ping, wire.Ping)
    wall.now += 0.010
    data = wire.Pong(ping.data).encode() + wire.clock_ping(1_000_003.005).encode()
    list(session.receive(data, 5.010))
    assert session.clock.seconds == pytest.approx(3.0, abs=1e-4)
    assert session.clock.error == pytest.approx(0.005, abs=1e-4)
    assert session.clock.disagrees
    assert session.round_trip == pytest.approx(0.010)


def test_a_ping_of_any_other_kind_is_no_clock() -> None:
    session = joined(ClientSession(CameraAddress("h")))
    list(session.receive(wire.Ping(b"\xff" * 8).encode(), 0.0))
    assert not session.clock.known


def test_the_window_binds_a_publisher() -> None:
    session = ClientSession(CameraAddress("h"), role="publish", window=2)
    assert not session.can_publish()
    list(session.receive(HELLO.encode() + LIVE.encode(), 0.0))
    session.published(1)
    session.published(2)
    assert not session.can_publish()
    list(session.receive(wire.Ack(1).encode(), 0.0))
    assert session.can_publish()
    list(session.receive(wire.State("cam", "stopped").encode(), 0.0))
    assert not session.can_publish()


@given(st.binary(max_size=400), st.integers(1, 50))
def test_garbage_ends_a_session_with_one_of_our_errors(garbage: bytes, step: int) -> None:
    session = joined(ClientSession(CameraAddress("h")))
    try:
        for at in range(0, len(garbage), step):
            list(session.receive(garbage[at : at + step], 0.0))
    except TwistedcamError:
        pass


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
    assert 0 <= state.width * state.height <= jpeg.MAX_PIXELS
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


def test_the_codes_of_errors_are_those_of_the_frame_protocol() -> None:
    from twistedcam.rtsp.messages import BadRtsp  # has the same code

    assert BadRtsp.code == BadMessage.code
    assert session_module._ERRORS["bad-message"] is BadMessage
    assert session_module._ERRORS["not-supported"] is UnsupportedCodec
