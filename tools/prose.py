"""Finds words in documents and texts of programs for which there is a plainer one.

    python -m tools.prose

Checked are the documents, without code, and the programs: the strings that users may see (help,
errors, log lines, pages), docstrings and comments. Exit code 1 if something was found.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: A pattern, and what to write instead.
WORDS = {
    r"anew": "again, from the beginning",
    r"for ever|forever": "without end, always",
    r"for good": "permanently",
    r"steer(s|ed|ing)?": "control",
    r"(who|that|client|viewer|token) hears?|(are|is|was|were) heard": "gets, receives",
    r"turned away|sent away": "refused, disconnected",
    r"leaves? it away|left away": "leaves it out",
    r"in good order": "cleanly",
    r"belies?": "does not match",
    r"outlives?": "continues after",
    r"at one blow": "suddenly",
    r"unjudged": "not checked",
    r"(has|have) not(?=[.,;:)])": "does not have, does not support",
    r"whoever|whosoever": "everybody who",
    r"lest|whilst|amongst|thereby|therein|wherein|whereby|hitherto|henceforth": "a usual word",
    r"shall": "must, will, should",
    r"utili[sz]e[sd]?|utili[sz]ing": "use",
    r"obviously|simply|trivially|of course": "nothing: leave it out",
    r"in order to": "to",
    r"please": "nothing: leave it out",
    r"again and again": "repeatedly, retried",
    r"cannot be had": "is not available",
    r"net(?= camera)|camera on the net|cameras on the net": "network camera",
    r"allows? to (?!\w+ly )(?=\w+)": "allows someone to, can",
    r"the same holds": "the same applies",
}
_WORDS = [
    (re.compile(rf"\b(?:{pattern})(?![\w-])", re.IGNORECASE), better)
    for pattern, better in WORDS.items()
]
#: Texts that are promised in the documents, so that they stay as they are.
KEPT = ("it is opened anew",)
_CODE = re.compile(r"^( *)```.*?^\1```$|``[^`]*``|`[^`\n]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
#: A text is checked if it has so many words: shorter ones are names.
_LEAST_WORDS = 2


def documents() -> list[Path]:
    """Return all documents."""
    found = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")]
    return [*found, ROOT / "benchmarks/README.md", *sorted((ROOT / "docs").glob("*.md"))]


def faults(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, words, and what to write instead of them, for each place in a text."""
    plain = _CODE.sub(lambda found: "\n" * found[0].count("\n"), text)
    for pattern, better in _WORDS:
        for found in pattern.finditer(plain):
            yield plain.count("\n", 0, found.start()) + 1, found[0], better


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of the strings in a module that are no docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings and len(node.value.split()) >= _LEAST_WORDS:
            yield node.lineno, node.value


def notes(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of the docstrings in a module, and of its comments, a block as one."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, kinds) and (text := ast.get_docstring(node, clean=False)):
            yield node.body[0].lineno, _joined(text)
    block: list[str] = []
    first = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1:
            if block:
                yield first, " ".join(block)
            block, first = [], token.start[0]
        last = token.start[0]
        block.append(token.string.lstrip("#: "))
    if block:
        yield first, " ".join(block)


def _joined(text: str) -> str:
    """Return a text with its paragraphs on one line each: words are found across line ends."""
    return re.sub(r"(?<!\n)\n *(?!\n)", " ", text)


def main() -> int:
    """Print what was found; return the exit code."""
    found = []
    for path in documents():
        for line, words, better in faults(path.read_text()):
            found.append((path, line, words, better))
    for top in ("twistedcam", "client", "tray"):
        for path in sorted((ROOT / top).rglob("*.py")):
            source = path.read_text()
            for line, text in (*strings(source), *notes(source)):
                if text not in KEPT:
                    found += [(path, line, words, better) for _, words, better in faults(text)]
    for path, line, words, better in found:
        print(f"{path.relative_to(ROOT)}:{line}: {words!r}: write {better!r}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
