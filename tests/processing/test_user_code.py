"""Which code is meant, and what it gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.process import run_program
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.config.arguments import options_from
from twistedcam.errors import BadArgument, StartupError
from twistedcam.media.frame import Frame
from twistedcam.processing import Code, check_code, parse_process
from twistedcam.processing import user_code as code
from twistedcam.processing.newest_frame import FrameSlot
from twistedcam.processing.results import MOST_SIDE, MOST_TOLD, BadResult, read_result

FRAME = Frame(1, 1, 4, 4, b"")


def test_the_camera_is_said_where_there_are_several() -> None:
    assert parse_process("a.b:c.d", ["cam"]) == ("cam", Code("a.b:c.d"))
    assert parse_process("two=a:b", ["one", "two"])[0] == "two"
    assert Code.of("a.b:c.d").name == "d"
    with pytest.raises(BadArgument, match="say of which camera"):
        parse_process("a:b", ["one", "two"])
    with pytest.raises(BadArgument, match="there is no camera 'three'; there is one, two"):
        parse_process("three=a:b", ["one", "two"])


@pytest.mark.parametrize("text", ["", "a", "a:", ":b", "a:b:c", "a b:c", "a/b.py:c", "a..b:c"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="write module:function"):
        Code.of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere:f", "there is no module 'nowhere'"),
        ("tests.processing.nowhere:f", "there is no module 'tests.processing.nowhere'"),
        ("tests.support.user_code:nothing_there", "has no 'nothing_there'"),
        ("tests.support.user_code:NO_FUNCTION", "is no function, but int"),
    ],
)
def test_code_that_is_not_there_is_named_before_the_start(text: str, said: str) -> None:
    with pytest.raises(StartupError) as error:
        check_code(Code.of(text))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import not_installed", "it needs 'not_installed': install it"),
        ("1 / 0", "its import failed: ZeroDivisionError: division by zero"),
        ("raise ValueError('one line\\nand another')", "its import failed: ValueError: one line"),
        (
            "import sys; sys.exit(0)",
            "its import ends the program: put what is for a program of its own behind "
            "if __name__ == '__main__'",
        ),
        (
            "import os, sys; print('a word', file=sys.stderr); os._exit(0)",
            "its import ends the process, with exit code 0",
        ),
        ("import os; os._exit(3)", "its import ends the process, with exit code 3"),
        ("import os; os.abort()", "its import crashed"),
        ("import time; time.sleep(60)", "its import hangs"),
    ],
)
def test_code_that_cannot_be_imported_says_why(
    content: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_code.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    if "hangs" in said:
        monkeypatch.setattr(code, "CHECK_TIMEOUT", 1.0)
    with pytest.raises(StartupError) as error:
        check_code(Code.of("their_code:f"))
    assert str(error.value) == f"their_code:f: {said}"


def test_the_server_does_not_start_without_its_code() -> None:
    ended = run_program("twistedcam", "serve", "--camera", "pattern:", "--process", "nowhere:f")
    assert ended.returncode == 1
    assert ended.stderr == (
        "twistedcam: nowhere:f: there is no module 'nowhere' in this folder or this Python\n"
    )


def test_the_configuration_has_code_for_each_camera(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        "process = 'b=m:top'\nprocess-in = 'thread'\n"
        "[camera.a]\nsource = 'pattern:'\nprocess = ['m:one', 'm:two']\n"
        "[camera.b]\nsource = 'pattern:'\nprocess = 'm:one'\n"
    )
    found = options_from(["--config", str(path)]).processes
    assert [each.name for each in found] == ["b.top", "a.one", "a.two", "b.one"]
    assert {each.runs_in for each in found} == {"thread"}
    path.write_text("[camera.a]\nsource = 'pattern:'\nprocess = [1]\n")
    with pytest.raises(BadArgument, match="process has to be a text, not 1"):
        options_from(["--config", str(path)])


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(BadArgument, match=r"there is a camera 'cam\.f' already"):
        options_from(["--camera", "pattern:", "--process", "a:f", "--process", "b:f"])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"n": np.int64(3), "at": np.array([1, 2])}, {"n": 3, "at": [1, 2]}),
        ([1, "ä"], [1, "ä"]),
        ((None, {"a": 1}), {"a": 1}),
        (FRAME, None),
    ],
)
def test_what_is_told_is_json(value: Any, told: Any) -> None:
    result = read_result(value, FRAME)
    assert result is not None and (result.image, result.data) == (None, told)


def test_grey_pictures_are_pictures_and_the_code_keeps_its_array() -> None:
    grey = np.full((4, 6), 7, np.uint8)
    colour = np.zeros((4, 6, 3), np.uint8)
    for value in (grey, colour):
        result = read_result(value, FRAME)
        assert result is not None and result.image is not None
        assert result.image.shape == (4, 6, 3)
        assert not np.shares_memory(result.image, value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("text", "it gave str"),
        (np.zeros((4, 4, 3)), "numbers of type float64"),
        (np.zeros((4, 4, 4), np.uint8), "the shape"),
        (np.zeros((0, 4, 3), np.uint8), "the shape"),
        (np.zeros((MOST_SIDE + 1, 1, 3), np.uint8), "1x65501 pixels: a JPEG has at most 65500"),
        (np.zeros((1, MOST_SIDE + 1), np.uint8), "65501x1 pixels: a JPEG has at most 65500"),
        (
            np.broadcast_to(np.uint8(0), (10_001, 10_000)),
            "10000x10001 pixels: it can have 100,000,",
        ),
        (np.broadcast_to(np.uint8(0), (10_001, 10_000, 3)), "10000x10001 pixels: it can have 100,"),
        ({"f": FRAME}, "cannot be written as JSON"),
        ({"nan": float("nan")}, "cannot be written as JSON"),
        (["x" * MOST_TOLD], "characters at once"),
    ],
)
def test_what_is_no_result_says_what_it_can_be(value: Any, said: str) -> None:
    with pytest.raises(BadResult, match=said):
        read_result(value, FRAME)


def test_the_largest_picture_can_be_encoded() -> None:
    result = read_result(np.zeros((MOST_SIDE, 1), np.uint8), FRAME)
    assert result is not None
    assert JpegEncoder().finish(result.grab).height == MOST_SIDE


def test_the_slot_holds_the_newest_frame_alone() -> None:
    slot = FrameSlot()
    for number in (1, 2, 3):
        slot.put(Frame(number, 1, 4, 4, b""))
    taken = slot.take()
    assert taken is not None and (taken.seq, slot.skipped) == (3, 2)
    slot.close()
    assert slot.take() is None
