"""The client's side of the control protocol."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.clients.control import dialogue as module
from twistedcam.clients.control.dialogue import ControlClientSession, answer, write_line
from twistedcam.errors import (
    BadArgument,
    CommandError,
    DiskError,
    NoServer,
    Unauthorized,
    UnknownCommand,
    error_from_code,
)
from twistedcam.servers.control.line_format import split

GREETING = b'OK twistedcam 1 9.9\n{"ok": true}\n'


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5))), st.lists(st.integers()))
def test_messages_do_not_depend_on_how_bytes_are_split(
    messages: list[dict[str, Any]], cuts: list[int]
) -> None:
    data = GREETING + b"".join(json.dumps(each).encode() + b"\n" for each in messages)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    dialogue = ControlClientSession()
    found = [each for a, b in pairwise(places) for each in dialogue.feed(data[a:b])]
    assert found == messages
    assert dialogue.server_version == "9.9"


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"220 mail.example ESMTP\n", "not a twistedcam control port"),
        (b"OK twistedcam 2 9.9\n", "version 2"),
        (GREETING + b"what?\n", "not an answer"),
    ],
)
def test_other_servers_are_detected(data: bytes, hint: str) -> None:
    with pytest.raises(NoServer, match=hint):
        list(ControlClientSession().feed(data))


def test_a_server_may_refuse_in_its_greeting() -> None:
    with pytest.raises(DiskError, match="all is full"):
        list(ControlClientSession().feed(b"ERR disk all is full\n"))


def test_errors_come_back_as_they_were_raised() -> None:
    assert isinstance(error_from_code("unknown-command", "x"), UnknownCommand)
    assert str(error_from_code("from-the-future", "x")) == "from-the-future: x"
    with pytest.raises(CommandError):
        answer({"ok": False})


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))))
def test_words_arrive_as_they_were_sent(words: list[str]) -> None:
    assert split(write_line(words).rstrip(b"\n")) == words


def test_a_word_with_a_line_end_is_not_sent() -> None:
    with pytest.raises(BadArgument):
        write_line(["a\nshutdown"])


def test_a_session_opens_with_json_and_the_token() -> None:
    assert ControlClientSession().opening == b"json on\n"
    assert ControlClientSession("it's").opening == b"json on\n" + b"""auth 'it'"'"'s'\n"""


def test_a_session_is_ready_after_the_answers_to_its_opening() -> None:
    session = ControlClientSession("secret")
    assert list(session.feed(GREETING)) == []
    assert not session.is_ready
    assert list(session.feed(b'{"ok": true, "rights": "view"}\n')) == []
    assert (session.is_ready, session.granted) == (True, {"rights": "view"})
    assert list(session.feed(b'{"event": "fault"}\n')) == [{"event": "fault"}]


def test_a_refused_token_is_an_error() -> None:
    session = ControlClientSession("wrong")
    with pytest.raises(Unauthorized, match="unknown token"):
        list(
            session.feed(
                GREETING + b'{"ok": false, "code": "unauthorized", "message": "unknown token"}\n'
            )
        )


def test_the_bytes_of_telnet_are_doubled() -> None:
    name = b"clip\xff.mkv".decode(errors="surrogateescape")
    assert write_line(["get", name]) == b"get 'clip\xff\xff.mkv'\n"


def test_a_line_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_LINE", 1000)
    session = ControlClientSession()
    list(session.feed(GREETING + b"x" * 1000))
    with pytest.raises(NoServer, match="has no end"):
        list(session.feed(b"x"))


def test_an_answer_has_its_fields_without_ok() -> None:
    assert answer({"ok": True, "value": 5}) == {"value": 5}
    with pytest.raises(UnknownCommand, match="there is no 'x'"):
        answer({"ok": False, "code": "unknown-command", "message": "there is no 'x'"})
