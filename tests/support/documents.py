"""The examples in README and docs, taken out of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

from tests.support.process import ROOT

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`(twistedcam [^`\n]+)`")
DOCUMENTS = (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))
_PROGRAMS = ("twistedcam", "twistd", "make", "curl", "telnet")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Arguments:
        file: path from the root of the project.
        line: number of its first line.
        language: what stands behind the fence; empty for a terminal.
        text: what is in it.
    """

    file: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def blocks(language: str) -> list[Block]:
    """All blocks of that language, README's first."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text()
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start(3)) + 1
            block = Block(str(path.relative_to(ROOT)), line, match[2], dedent(match[3]))
            found += [block] if block.language == language else []
    return found


def commands(program: str) -> Iterator[tuple[str, list[str]]]:
    """Where a program is called in a terminal's block, and the words behind its name."""
    for block in blocks(""):
        prompted = "\n$ " in "\n" + block.text  # then all other lines are answers
        for number, line in enumerate(block.text.splitlines(), block.line):
            if prompted and not line.startswith("$ "):
                continue
            line = line.removeprefix("$ ")
            first = line.partition(" ")[0]
            if first == program and first in _PROGRAMS and "[" not in line:
                yield f"{block.file}:{number}", shlex.split(line, comments=" #" in line)[1:]


def spans() -> Iterator[tuple[str, list[str]]]:
    """Where the program is called within a sentence, and the words behind its name.

    Those with a part left out (``…``, capital letters for a whole command) are not given.
    """
    for path in DOCUMENTS:
        text = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), path.read_text())
        for found in _SPAN.finditer(text):
            where = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
            line = re.split(r"\\?[|>]| 2>", found[1])[0]
            if "…" not in line and re.match(r"twistedcam [a-z]", line):
                yield where, shlex.split(line)[1:]
