"""The prompt's lines, whoever types them and whatever comes between."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twistedcam.cli.console import Console
from twistedcam.cli.main import run_command
from twistedcam.cli.prompt import history_file, run_lines
from twistedcam.errors import NoServer


class Typed:
    """Stands for a console; ``boom`` is interrupted."""

    def __init__(self) -> None:
        self.run_words: list[list[str]] = []

    def run(self, words: list[str]) -> int:
        self.run_words.append(words)
        if words == ["boom"]:
            raise KeyboardInterrupt
        return 2 if words == ["wrong"] else 0


def test_the_last_failure_is_the_exit_code_and_empty_lines_are_nothing() -> None:
    console: Any = Typed()
    assert run_lines(console, iter(["ping", "", "  ", "wrong", "ping", "exit", "never"])) == 2
    assert console.run_words == [["ping"], ["wrong"], ["ping"]]


def test_an_interrupt_ends_a_script_and_at_a_terminal_only_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console: Any = Typed()
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(KeyboardInterrupt):
        run_lines(console, iter(["boom", "ping"]))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert run_lines(console, iter(["boom", "ping"])) == 0
    assert console.run_words[-1] == ["ping"]
    assert capsys.readouterr().out == "\n"


def test_typed_commands_are_kept_where_the_system_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history_file() == tmp_path / ".local/state/twistedcam/history"


class Asked:
    """Stands for a client; each answer is the next of ``answers``."""

    server_version = "1"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.closed = False

    def ask(self, *_: str) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def watch(self, *_: str) -> Iterator[dict[str, Any]]:
        yield {"event": "state", "camera": "door", "state": "live"}
        yield self.ask()

    def close(self) -> None:
        self.closed = True


def console_on(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> tuple[Console, list[Asked]]:
    """A console, and the clients that it has made."""
    made: list[Asked] = []

    def connect(_: Console) -> Any:
        made.append(Asked(*answers))
        return made[-1]

    monkeypatch.setattr(Console, "connect", connect)
    return Console("tcp:nowhere"), made


def test_an_interrupted_command_s_answer_is_not_the_next_one_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console, made = console_on(monkeypatch, KeyboardInterrupt(), {})
    with pytest.raises(KeyboardInterrupt):
        console.run(["status"])
    assert made[0].closed
    console.run(["watch"])  # and so a watch ends
    assert len(made) == 2
    assert made[1].closed


def test_a_lost_server_is_connected_to_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console, made = console_on(monkeypatch, NoServer("it is gone"))
    assert (console.run(["ping"]), console.run(["ping"])) == (1, 1)
    assert len(made) == 2
    assert capsys.readouterr().err == "twistedcam: it is gone\n" * 2


@pytest.mark.parametrize(
    ("words", "said"), [(["json", "on"], "--json"), (["watch", "a", "b"], "one word too many")]
)
def test_what_a_command_line_does_otherwise_is_said(
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    console, made = console_on(monkeypatch)
    assert console.run(words) == 2
    assert said in capsys.readouterr().err
    assert made == []


def test_a_program_that_is_interrupted_says_so_by_its_exit_code_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(_: Any) -> int:
        raise KeyboardInterrupt

    assert run_command(interrupted, None) == 128 + signal.SIGINT  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
