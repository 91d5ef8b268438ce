"""Completion of commands from the server's help."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.support.fakes import make_server
from twistedcam.cli.colours import Styler
from twistedcam.cli.completion import Vocabulary
from twistedcam.commands import standard_commands

COMMANDS = standard_commands()


def ask(*words: str) -> dict[str, Any]:
    if words == ("help",):
        server = make_server(Clock(), Path(tempfile.gettempdir(), "never-written"))
        answer = COMMANDS.get("help").call(server)
        assert isinstance(answer, list)
        return {"commands": answer}
    if words == ("cameras",):
        return {"cameras": [{"camera": "door"}, {"camera": "garden"}]}
    if words[0] == "recordings":
        return {"recordings": [{"recording": "visit.mp4"}]}
    if words == ("snapshots",):
        return {"snapshots": [{"snapshot": "porch.jpg"}]}
    return {"properties": [{"property": "fps"}, {"property": "brightness"}]}


LEARNT = Vocabulary.learn(ask)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("stat", ["status"]),
        ("rec", ["record", "recordings", "recorded"]),
        ("status ", ["door", "garden"]),
        ("status g", ["garden"]),
        ("set door b", ["brightness"]),
        ("get garden ", ["fps", "brightness"]),
        ("json ", ["on", "off"]),
        ("timelapse ", ["status", "cancel", "door", "garden"]),
        ("rename ", ["visit.mp4", "porch.jpg"]),
        ("recordings delete po", ["porch.jpg"]),
        ("help sna", ["snapshot", "snapshots"]),
        ("nonsense ", []),
        ("status 'open quote", []),
    ],
)
def test_candidates_follow_the_usage(typed: str, expected: list[str]) -> None:
    assert [word for word, _ in LEARNT.candidates(typed)] == expected


def test_the_parts_of_a_longer_name_are_offered() -> None:
    offered = [word for word, _ in LEARNT.candidates("record st")]
    assert offered == ["start", "stop"]


@given(st.text())
def test_any_text_has_candidates_or_none(text: str) -> None:
    for word, about in LEARNT.candidates(text):
        assert word
        assert isinstance(about, str)


def test_answers_are_lines_and_colours_are_for_terminals() -> None:
    fields = {"camera": "cam", "state": "live", "choices": ["a"], "recordings": []}
    assert Styler().answer(fields) == ["camera: cam", "state: live", 'choices: ["a"]']
    assert "\x1b[32mlive\x1b[0m" in Styler(True).answer(fields)[1]
    event = {"event": "fault", "reason": "it burns"}
    assert Styler().event(event) == "event: fault reason='it burns'"
