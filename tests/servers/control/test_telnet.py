"""Telnet commands are removed from the text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.conch.telnet import DO, DONT, ECHO, IAC, IP, NOP, SB, SE, WILL, WONT
from twisted.internet.testing import StringTransport

from twistedcam.servers.control.telnet import TolerantTelnet


class Listener(TolerantTelnet):
    def __init__(self) -> None:
        super().__init__()
        self.text = b""
        self.interruptions = 0
        self.is_garbled = False
        self.makeConnection(StringTransport())

    def applicationDataReceived(self, data: bytes) -> None:
        self.text += data

    def on_interrupt(self) -> None:
        self.interruptions += 1

    def on_garbled(self) -> None:
        self.is_garbled = True


def heard(*pieces: bytes) -> Listener:
    listener = Listener()
    for piece in pieces:
        listener.dataReceived(piece)
    return listener


def test_negotiation_is_answered_and_removed() -> None:
    listener = heard(b"pi" + IAC + DO + ECHO + b"ng" + IAC + WILL + b"\x1f" + b"\r\n")
    assert listener.text == b"ping\n"
    assert listener.transport.value() == IAC + WONT + ECHO + IAC + DONT + b"\x1f"


def test_commands_of_the_keyboard_are_removed() -> None:
    listener = heard(b"a" + IAC + NOP + b"b" + IAC + IP + b"c" + IAC + SB + b"\x1f\0P" + IAC + SE)
    assert listener.text == b"abc"
    assert listener.interruptions == 1


def test_a_doubled_iac_is_one_byte_of_text() -> None:
    assert heard(IAC, IAC).text == IAC


def test_an_unknown_command_is_no_operation() -> None:
    assert heard(b"a" + IAC + b"\xed" + b"b").text == b"ab"


def test_a_single_iac_removes_no_text() -> None:
    assert heard(b"a" + IAC + b"bc").text == b"abc"


def test_an_empty_subnegotiation_is_ignored() -> None:
    assert heard(IAC + SB + IAC + SE + b"x").text == b"x"


def test_a_subnegotiation_without_end_is_reported() -> None:
    assert heard(IAC + SB + b"x" * 5000).is_garbled


BYTES = st.lists(
    st.one_of(st.binary(max_size=5), st.sampled_from([IAC, SB, SE, DO, WILL, b"\r", b"\0", b"\n"]))
).map(b"".join)


@given(BYTES, st.lists(st.integers(0, 200)))
def test_the_text_does_not_depend_on_how_bytes_are_split(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert heard(*pieces).text == heard(data).text
