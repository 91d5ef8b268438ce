"""Addresses in shell commands are quoted: zsh expands ``?``, and ``&`` ends a command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.process import ROOT

_FENCE = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_PROGRAM = r"(?:twistedcam|twistd|make|curl|ffmpeg|ffplay|mpv|vlc|telnet|sudo)"
_OPTION = r"--(?:camera|connect|mqtt|publish)[ =].*"
_COMMAND = re.compile(rf"(?:^|\s)(?:\$ )?{_PROGRAM} .*|{_OPTION}", re.MULTILINE)
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_ADDRESS = re.compile(r"[^\s'\"]*:[^\s'\"]*[?&][^\s'\"]*|\S+\?\w+=\S*")


def unquoted(text: str) -> list[str]:
    """The addresses in a text's commands that a shell would change."""
    commands = _COMMAND.findall(text)
    return [found for each in commands for found in _ADDRESS.findall(_QUOTED.sub("", each))]


def texts() -> Iterator[tuple[str, str]]:
    """All that a shell may be given: blocks and code spans of documents, texts of programs."""
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/*/README.md")):
        document = path.read_text()
        found = [*_FENCE.findall(document), *_SPAN.findall(_FENCE.sub("", document))]
        yield from ((str(path.relative_to(ROOT)), each) for each in found)
    for folder in ("twistedcam", "client", "tray"):
        for path in ROOT.glob(f"{folder}/**/*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                    continue
                if "(?" not in node.value:  # which is a regular expression
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
    for path in (ROOT / "Makefile", *ROOT.glob("packaging/**/*.service")):
        yield str(path.relative_to(ROOT)), path.read_text()


def test_addresses_with_a_question_mark_or_an_ampersand_are_quoted() -> None:
    assert [(where, found) for where, text in texts() if (found := unquoted(text))] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("twistedcam serve --camera door=webcam:0?size=1x1", ["door=webcam:0?size=1x1"]),
        ("$ curl -o a.jpg http://h:8080/?action=snapshot", ["http://h:8080/?action=snapshot"]),
        ("use --camera rtsp://h/a&b", ["rtsp://h/a&b"]),
        ("twistedcam serve --camera 'door=webcam:0?size=1x1' --camera \"a=pattern:?fps=1\"", []),
        ("twistedcam serve > log 2>&1", []),
    ],
)
def test_what_a_shell_changes_is_found(text: str, found: list[str]) -> None:
    assert unquoted(text) == found
