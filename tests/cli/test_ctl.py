"""``twistedcam ctl`` against a real server: answers, exit codes, a script, and a prompt."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.process import PATIENCE, ROOT, ServerProcess
from tests.support.terminal import Terminal
from twistedcam.cli.ctl import history_file, run_lines
from twistedcam.clients.control.blocking import BlockingClient


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("recordings")
    with ServerProcess(folder, "--camera", "pattern:?size=160x120&fps=20") as running:
        yield running


def endpoint(server: ServerProcess) -> str:
    return "tcp:{}:{}".format(*server.control)


def ctl(server: ServerProcess, *words: str, typed: str = "") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "twistedcam", "ctl", "--connect", endpoint(server), *words],
        input=typed,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_one_command_prints_its_answer(server: ServerProcess) -> None:
    code, out, err = ctl(server, "start")
    assert (code, out, err) == (0, "OK\n", "")
    code, out, err = ctl(server, "status", "cam")
    assert "state: live\n" in out
    assert "\x1b" not in out


def test_an_endpoint_needs_no_prefix(server: ServerProcess) -> None:
    with BlockingClient("{}:{}".format(*server.control)) as client:
        assert client.ask("ping") == {}


def test_json_gives_answers_and_errors_as_json(server: ServerProcess) -> None:
    code, out, _ = ctl(server, "--json", "cameras")
    assert code == 0
    assert json.loads(out)["cameras"][0]["camera"] == "cam"
    code, out, _ = ctl(server, "status", "nope", "--json")
    assert (code, json.loads(out)["code"]) == (1, "no-such-camera")


@pytest.mark.parametrize(
    ("words", "code"),
    [(("statsu",), 2), (("set", "cam", "fps", "fast"), 2), (("start", "nope"), 1), (("--no",), 2)],
)
def test_an_error_is_one_line_and_an_exit_code(
    server: ServerProcess, words: tuple[str, ...], code: int
) -> None:
    found, out, err = ctl(server, *words)
    assert found == code
    assert out == ""
    assert "Traceback" not in err
    if not words[0].startswith("-"):
        assert len(err.splitlines()) == 1


def test_without_a_server_the_error_says_how_to_start_one() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "twistedcam", "ctl"),
            *("--connect", f"tcp:127.0.0.1:{free_port()}", "status"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "'twistedcam serve' starts one" in done.stderr


def test_commands_from_a_pipe_are_executed_in_order(server: ServerProcess) -> None:
    code, out, err = ctl(server, typed="ping\nnonsense\n'\nget cam quality\nquit\nping\n")
    assert code == 2
    assert out.startswith("OK\nproperty: quality\n")
    assert out.count("OK") == 1
    assert len(err.splitlines()) == 2


def test_watch_shows_events_as_they_happen_until_it_is_interrupted(server: ServerProcess) -> None:
    command = [sys.executable, "-m", "twistedcam", "ctl", "--connect", endpoint(server), "watch"]
    watching = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    try:
        with BlockingClient(endpoint(server)) as client:
            line = ""
            until = time.monotonic() + PATIENCE
            while not line and time.monotonic() < until:  # the watch may not have begun
                client.ask("stop")
                client.ask("start")
                if select.select([watching.stdout], [], [], 0.1)[0]:
                    line = watching.stdout.readline()
        assert line.startswith("event: state camera=cam state=")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(PATIENCE) == 0
    finally:
        watching.kill()
        watching.wait()
        watching.stdout.close()


class Prompt(Terminal):
    """``twistedcam ctl`` on a pseudo-terminal."""

    def __init__(self, server: ServerProcess, folder: Path, *hidden: str) -> None:
        code = "import sys; from twistedcam.cli import main; "
        code += "".join(f"sys.modules[{name!r}] = None; " for name in hidden)
        words = ["-c", code + "sys.exit(main())", "ctl", "--connect", endpoint(server)]
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(folder),
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }
        super().__init__(sys.executable, *words, env=env)


@pytest.mark.parametrize("hidden", [(), ("prompt_toolkit",)])
def test_a_person_asks_and_corrects_at_the_prompt(
    server: ServerProcess, tmp_path: Path, hidden: tuple[str, ...]
) -> None:
    prompt = Prompt(server, tmp_path, *hidden)
    try:
        prompt.wait_for("Ctrl-D quits")
        if hidden:
            prompt.wait_for("pip install -e '.[prompt]'")
        prompt.wait_for("twistedcam>")
        prompt.type("get cam quality\r")
        prompt.wait_for("quality")
        prompt.wait_for("80")
        prompt.wait_for("twistedcam>")
        if not hidden:
            prompt.type("vers\t")  # the only command that begins with this
            prompt.wait_for("ion")
            prompt.type("\r")
            prompt.wait_for("opencv")
            prompt.wait_for("twistedcam>")
            # Discarded, as in a shell. Without prompt_toolkit this is a signal, which Python's
            # readline misses between its prompt and its wait.
            prompt.type("garbage\x03")
            prompt.wait_for("twistedcam>")
        prompt.type("auth S3CRET\r")
        prompt.wait_for("rights")
        prompt.wait_for("twistedcam>")
        prompt.type("statsu\r")
        prompt.wait_for("did you mean 'status'?")
        prompt.wait_for("twistedcam>")
        prompt.type("\x04")
        assert prompt.process.wait(PATIENCE) in (0, 2)
        if not hidden:
            history = tmp_path / "twistedcam" / "history"
            assert "get cam quality" in history.read_text()
            assert "S3CRET" not in history.read_text()
            assert history.stat().st_mode & 0o077 == 0
    finally:
        prompt.close()


def test_the_prompt_works_without_a_history_file(server: ServerProcess, tmp_path: Path) -> None:
    (tmp_path / "twistedcam").write_text("a file where a folder would be")
    prompt = Prompt(server, tmp_path)
    try:
        prompt.wait_for("twistedcam>")
        prompt.type("get cam quality\r")
        prompt.wait_for("80")
        prompt.wait_for("twistedcam>")
        prompt.type("\x04")
        assert prompt.process.wait(PATIENCE) == 0
    finally:
        prompt.close()


def test_help_lists_the_commands_or_explains_one(server: ServerProcess) -> None:
    code, out, _ = ctl(server, "help")
    assert code == 0
    assert "status [CAMERA]: " in out
    code, out, _ = ctl(server, "help", "status")
    assert code == 0
    assert out.startswith("command: status [CAMERA]\nhelp: ")
    assert "name: " not in out


def test_a_closed_pipe_gives_no_traceback(server: ServerProcess) -> None:
    command = f"{sys.executable} -m twistedcam ctl --connect {endpoint(server)} help"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | true"],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr


class Typed:
    """Stands for a console; ``boom`` is interrupted."""

    def __init__(self) -> None:
        self.run_words: list[list[str]] = []

    def run(self, words: list[str]) -> int:
        self.run_words.append(words)
        if words == ["boom"]:
            raise KeyboardInterrupt
        return 2 if words == ["wrong"] else 0


def test_the_exit_code_is_that_of_the_last_failure() -> None:
    console: Any = Typed()
    assert run_lines(console, iter(["ping", "", "  ", "wrong", "ping", "exit", "never"])) == 2
    assert console.run_words == [["ping"], ["wrong"], ["ping"]]


def test_an_interrupt_ends_a_script_but_not_a_prompt(
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


def test_the_history_is_in_the_state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history_file() == tmp_path / ".local/state/twistedcam/history"
