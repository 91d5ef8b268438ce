"""User code in a thread and in a process of its own: results, failures, a crash."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.odd_jpegs import make_jpeg
from twistedcam.media.frame import Frame
from twistedcam.media.jpeg_decoder import decode_jpeg
from twistedcam.processing import Code
from twistedcam.processing.executors import Executor, Failed, InProcess, InThread
from twistedcam.processing.results import Result

CODE = """
import os

def invert(frame):
    return 255 - frame.image, {"seq": frame.seq}

def fail(frame):
    raise ValueError("no idea")

def crash(frame):
    os._exit(7)
"""


class Reports:
    def __init__(self) -> None:
        self.results: list[Result] = []
        self.seconds: list[float] = []
        self.reasons: list[str] = []

    def on_result(self, result: Result) -> None:
        self.results.append(result)

    def on_frame_done(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def on_undecodable(self, reason: str) -> None:
        self.reasons.append(reason)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "code_of_executors.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("code_of_executors", None)
    return "code_of_executors"


def make(kind: str, code: Code) -> Executor:
    return InThread(code) if kind == "thread" else InProcess(code, lambda: 90)


def run(executor: Executor, *pictures: bytes) -> Reports:
    frames = iter([Frame(n, n, 32, 24, data) for n, data in enumerate(pictures, 1)])
    reports = Reports()
    executor.run(lambda: next(frames, None), reports)
    return reports


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_results_come_with_their_frames_and_the_time_they_took(kind: str, module: str) -> None:
    reports = run(make(kind, Code(f"{module}:invert")), make_jpeg(32, 24), b"broken")
    [result] = reports.results
    assert (result.frame.seq, result.data) == (1, {"seq": 1})
    picture: Any = result.picture
    if kind == "process":
        assert picture.image is None and decode_jpeg(picture.jpeg).shape == (24, 32, 3)
    else:
        assert picture.image.shape == (24, 32, 3) and picture.image.dtype == np.uint8
    assert (len(reports.seconds), len(reports.reasons)) == (1, 1)


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_an_error_is_a_failure_with_its_traceback(kind: str, module: str) -> None:
    with pytest.raises(Failed, match="ValueError: no idea") as caught:
        run(make(kind, Code(f"{module}:fail")), make_jpeg(32, 24))
    assert "in fail" in caught.value.trace


def test_a_crash_of_the_process_is_a_failure(module: str) -> None:
    with pytest.raises(Failed, match=r"its process .*7"):
        run(InProcess(Code(f"{module}:crash"), lambda: 80), make_jpeg(32, 24))
