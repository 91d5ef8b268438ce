"""Every module has its test beside it by name; the words of the documents name what exists."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.support.process import ROOT

PROGRAM = ROOT / "twistedcam"
#: Modules without a test of their own name, each with its reason.
WITHOUT_TEST = {
    "__main__": "starts the command line, which tests/cli tests",
    "version": "has a number only; tests/packaging tests it",
    "recording/mp4/arrays": "has types only; test_sample_table.py tests what fills them",
    "control/blocking": "an earlier name; tests/control/test_earlier_names.py tests it",
    "control/client": "an earlier name; tests/control/test_earlier_names.py tests it",
    "control/dialogue": "an earlier name; tests/control/test_earlier_names.py tests it",
}
#: Modules of more than 400 lines, each with its reason.
LONG: dict[str, str] = {}


def modules() -> dict[str, Path]:
    """All modules of the program, ``package/module``."""
    paths = sorted(PROGRAM.rglob("*.py"))
    return {
        path.relative_to(PROGRAM).with_suffix("").as_posix(): path
        for path in paths
        if path.name != "__init__.py"
    }


def test_each_module_has_a_test_of_its_name() -> None:
    missing = []
    for name in modules():
        folder, _, module = name.rpartition("/")
        test = ROOT / "tests" / folder / f"test_{module.strip('_')}.py"
        if not test.exists() and name not in WITHOUT_TEST:
            missing.append(str(test.relative_to(ROOT)))
    assert not missing, f"there is no {', no '.join(missing)}"


def test_no_reason_is_given_for_a_module_that_has_a_test_or_is_gone() -> None:
    known = modules()
    for name in WITHOUT_TEST:
        folder, _, module = name.rpartition("/")
        assert name in known, name
        assert not (ROOT / "tests" / folder / f"test_{module.strip('_')}.py").exists(), name


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert [name for name, lines in lengths.items() if lines > 400 and name not in LONG] == []


def test_no_module_runs_the_tests_of_another() -> None:
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for line in path.read_text().splitlines():
            if re.match(r"from tests\.(?!support\.)\S+ import .*\w(Tests|Test)\b", line):
                found.append(f"{path.relative_to(ROOT)}: {line}")
    assert not found, f"tests that run again; inherit a class without tests: {found}"


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for top in ("twistedcam", "client", "tray"):
        for path in (ROOT / top).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_paths_in_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    for word in re.findall(r"`([a-z_/]+(?:\.py|/))`", text):
        places = (ROOT / word, PROGRAM / word, *PROGRAM.rglob(word.rstrip("/")))
        assert any(place.exists() for place in places), word


def test_the_glossary_has_at_most_25_words() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    glossary = text.partition("## Glossary")[2].partition("## Tests")[0]
    words = re.findall(r"^\| ([a-z-]+) \|", glossary, re.MULTILINE)
    assert 15 <= len(words) - 1 <= 25  # the first is the head of the table
