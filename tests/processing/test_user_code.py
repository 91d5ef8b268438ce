"""User code is found by its name, and checked by its import."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.process import run_program
from twistedcam.config.arguments import options_from
from twistedcam.errors import BadArgument, StartupError
from twistedcam.processing import Code, check_code, parse_process
from twistedcam.processing import user_code as code


def test_the_camera_must_be_given_if_there_are_several() -> None:
    assert parse_process("a.b:c.d", ["cam"]) == ("cam", Code("a.b:c.d"))
    assert parse_process("two=a:b", ["one", "two"])[0] == "two"
    assert Code.of("a.b:c.d").name == "d"
    with pytest.raises(BadArgument, match="name the camera, as in"):
        parse_process("a:b", ["one", "two"])
    with pytest.raises(BadArgument, match="there is no camera 'three'; there is one, two"):
        parse_process("three=a:b", ["one", "two"])


@pytest.mark.parametrize("text", ["", "a", "a:", ":b", "a:b:c", "a b:c", "a/b.py:c", "a..b:c"])
def test_an_invalid_name_of_code_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="write module:function"):
        Code.of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere:f", "there is no module 'nowhere'"),
        ("tests.processing.nowhere:f", "there is no module 'tests.processing.nowhere'"),
        ("tests.support.user_code:nothing_there", "has no 'nothing_there'"),
        ("tests.support.user_code:NO_FUNCTION", "is not a function, but of type int"),
    ],
)
def test_missing_code_is_an_error_before_the_start(text: str, said: str) -> None:
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
            "its import ends the program: put the main program under if __name__ == '__main__'",
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
def test_the_reason_of_a_failed_import_is_reported(
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


def test_the_configuration_can_have_code_for_each_camera(tmp_path: Path) -> None:
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
    with pytest.raises(BadArgument, match="process has to be a string, not 1"):
        options_from(["--config", str(path)])


def test_two_functions_of_one_name_are_refused() -> None:
    with pytest.raises(BadArgument, match=r"there is already a camera 'cam\.f'"):
        options_from(["--camera", "pattern:", "--process", "a:f", "--process", "b:f"])
