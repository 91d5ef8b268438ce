"""What README and docs tell people to type is understood."""

from __future__ import annotations

import argparse
import ast
import importlib
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.documents import Block, blocks, commands, spans
from tests.support.process import ROOT
from twistedcam.cli.main import COMMANDS
from twistedcam.commands import standard_commands
from twistedcam.config.arguments import read_serve_options
from twistedcam.config.toml_file import read_config

#: What a line for a shell begins with in the documents.
SHELL_WORDS = {"twistedcam", "twistd", "make", "curl", "sudo", "python", ".", ".venv/bin/pip"}
#: Words in a sentence that begin like a command.
NO_COMMANDS = (["on", "HOST"], ["serve", "--workers", "N"])
TYPED = [
    *commands("twistedcam"),
    *((where, words) for where, words in spans() if words not in NO_COMMANDS),
]


@pytest.mark.parametrize(("where", "words"), TYPED, ids=[where for where, _ in TYPED])
def test_every_command_line_is_one_that_the_program_takes(where: str, words: list[str]) -> None:
    modules = {name: module for name, module, _ in COMMANDS}
    program = importlib.import_module(modules[words[0]])
    parser = argparse.ArgumentParser(words[0])
    program.add_arguments(parser)
    found = parser.parse_args(words[1:])
    if words[0] == "serve" and found.config is None:
        assert read_serve_options(found).cameras
    if words[0] == "ctl" and found.command:
        standard_commands().find(found.command)


def test_the_documents_have_examples_of_every_program() -> None:
    assert {words[0] for _, words in TYPED} >= {"serve", "view", "ctl", "token", "tls-init"}


def test_every_thing_to_make_can_be_made() -> None:
    for where, words in commands("make"):
        done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, f"{where}: {done.stderr}"


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_every_configuration_is_one(block: Block, tmp_path: Path) -> None:
    tomllib.loads(block.text)
    if "source = " in block.text:
        file = tmp_path / "config.toml"
        file.write_text(block.text)
        assert read_config(file).cameras


def test_a_server_inside_another_program_takes_ten_lines() -> None:
    example = next(each for each in blocks("python") if "cameras.resource()" in each.text)
    tree = ast.parse(example.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    lines = [line for line in ast.unparse(tree).splitlines() if line.strip()]
    assert len(lines) <= 10, "\n".join(lines)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_block_for_a_terminal_is_understood_by_shells(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    lines = []
    for block in (*blocks(""), *blocks("sh")):
        prompted = "\n$ " in "\n" + block.text
        for line in block.text.splitlines():
            first = line.removeprefix("$ ").split(" ")[0]
            is_command = first in SHELL_WORDS and (line.startswith("$ ") or not prompted)
            is_rest = bool(lines) and lines[-1].endswith("\\")
            lines += [line.removeprefix("$ ")] if is_command or is_rest else []
    assert len(lines) > 100
    script = tmp_path / "script"
    script.write_text("\n".join(lines) + "\n")
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("block", [*blocks("yaml"), *blocks("json")], ids=str)
def test_every_file_for_other_programs_can_be_read(block: Block) -> None:
    assert list(yaml.compose_all(block.text))
