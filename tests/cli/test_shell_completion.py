"""bash, zsh and fish complete commands, options and their values."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.process import PATIENCE
from tests.support.terminal import Terminal
from twistedcam.cli.shell_completion import make_script

#: What stands before the cursor, and the words that are offered there.
CASES = {
    "twistedcam se": {"serve", "service"},
    "twistedcam ctl record s": {"start", "stop", "save-last"},
    "twistedcam serve --log-level de": {"debug"},
    "twistedcam serve --conf": {"--config"},
    "twistedcam token add --righ": {"--right"},
    "twistedcam token add --right con": {"control"},
    "twistedcam completion ": {"bash", "zsh", "fish"},
    "twistedcam serve --config cam": {"cam.toml"},
    "twistedcam ctl record start ya": {"yard"},
    "twistedcam ctl status ": {"front-door", "yard"},
    "twistedcam ctl timelapse ": {"front-door", "yard", "status", "cancel"},
    "twistedcam ctl rename vis": {"visit.mp4"},
    "twistedcam ctl recordings delete ": {"visit.mp4", "my film.mp4", "porch.jpg"},
}

#: Answers as the program does.
SCRIPT = """#!/bin/sh
case "$*" in
"ctl cameras") printf 'camera: %s\\nurl_name: %s\\n' "front door" front-door yard yard ;;
"ctl recordings --limit 1000") printf 'recording: %s\\n' visit.mp4 "my film.mp4" ;;
"ctl snapshots") printf 'snapshot: %s\\nsize: 9\\n' porch.jpg ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the scripts and a configuration."""
    for shell in ("bash", "zsh", "fish"):
        (tmp_path / f"script.{shell}").write_text(make_script(shell))
    (tmp_path / "cam.toml").touch()
    program = tmp_path / "bin" / "twistedcam"
    program.parent.mkdir()
    program.write_text(SCRIPT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed")


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stderr == ""
    return done.stdout


@needs("bash")
def test_bash_completes_every_case(folder: Path) -> None:
    script = ". ./script.bash\n"
    for line in CASES:
        words = [*line.split(), *([""] if line.endswith(" ") else [])]
        script += f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
        script += '_twistedcam; echo "${COMPREPLY[*]}"\n'
    shown = run(folder, "bash", "-c", script).splitlines()
    found = [set(shlex.split(line)) for line in shown]  # a space in a name is escaped
    assert dict(zip(CASES, found, strict=True)) == CASES


@needs("bash")
def test_bash_completes_values_behind_an_equals_sign(folder: Path) -> None:
    script = ". ./script.bash; COMP_WORDS=(twistedcam serve --log-level = de); COMP_CWORD=4\n"
    assert run(folder, "bash", "-c", script + "_twistedcam; echo $COMPREPLY") == "debug\n"


@needs("fish")
def test_fish_completes_every_case(folder: Path) -> None:
    script = "source script.fish\n"
    for line in CASES:
        script += f"complete -C {shlex.quote(line)} | string replace -r '\\t.*' ''\necho END\n"
    shown = run(folder, "fish", "-c", script).split("END\n")[:-1]
    found = [set(each.splitlines()) for each in shown]
    assert dict(zip(CASES, found, strict=True)) == CASES


@needs("zsh")
def test_zsh_completes_every_case(folder: Path) -> None:
    """Only an interactive zsh completes. A single answer is written into the line."""
    env = {**os.environ, "TERM": "dumb", "ZDOTDIR": str(folder)}
    shell = Terminal("zsh", "-f", "-i", env=env, cwd=folder, size=(200, 50))
    try:
        shell.type("autoload -U compinit && compinit -u -D && . ./script.zsh && echo rea''dy\n")
        shell.wait_for("ready")
        for line, words in CASES.items():
            if len(words) == 1:
                shell.type(f"{line}\t")
                shell.wait_for(f"{line.rpartition(' ')[0]} {next(iter(words))}")
                shell.type("\x15")  # Ctrl-U deletes the line
        shell.type("twistedcam ctl record \t\t")
        shell.wait_for("save-last")
        shell.wait_for("Finish the recording")
        shell.type("\x15twistedcam ctl recordings delete my\t")
        shell.wait_for("my\\ film.mp4")
    finally:
        shell.process.kill()
        shell.process.wait(PATIENCE)
        os.close(shell.master)
