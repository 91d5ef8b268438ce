"""The code of docs/processing.md runs."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.example_frames import all_of, frame, room

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/processing.md").read_text()


def test_the_documentation_names_every_example() -> None:
    for path in (ROOT / "twistedcam/examples").glob("[a-z]*.py"):
        assert f"twistedcam.examples.{path.stem}:{path.stem}" in TEXT


def test_the_documentation_s_code_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks[:2]:
        exec(block, names)
    assert names["negative"](frame(room())).shape == (240, 320, 3)
    assert inspect.isasyncgenfunction(names["brightness"])
    dark, bright = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)
    told = all_of(names["brightness"], [dark, dark, bright])
    assert told == [{"dark": True}, {"dark": False}]


def test_the_documentation_s_program_begins() -> None:
    program = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[2]
    names: dict[str, Any] = {}
    exec(program.split("cameras = CameraService")[0], names)
    assert names["options"].processes[0].name == "cam.negative"
