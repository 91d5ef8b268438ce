"""docs/architecture.md draws the lifecycle that cameras have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twistedcam.camera import state_machine

TEXT = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()


def test_the_steps_of_a_camera_s_life_are_those_that_are_drawn() -> None:
    (diagram,) = re.findall(r"^```mermaid\n(stateDiagram.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    drawn = {
        (before, step, after)
        for before, after, steps in re.findall(r"^ +(\w+) --> (\w+): (.+)$", diagram, re.MULTILINE)
        for step in steps.split(", ")
    }
    machine: Any = state_machine.make_lifecycle
    steps = {
        (before.name, step, after.name)
        for before, step, after, _ in machine.__automat_automaton__.allTransitions()
    }
    assert drawn <= steps
    assert all(before == after for before, _, after in steps - drawn), "they lead somewhere"
