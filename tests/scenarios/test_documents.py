"""What README and docs tell people to type is understood."""

from __future__ import annotations

import argparse
import ast
import importlib
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.documents import Block, blocks, commands
from tests.support.process import ROOT
from twistedcam.cli.main import COMMANDS
from twistedcam.commands import standard_commands
from twistedcam.config.arguments import read_serve_options
from twistedcam.config.toml_file import read_config

TYPED = list(commands("twistedcam"))


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
