"""What the project says of its dependencies: each range has two ends, and both are tested."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.process import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ("mqtt", "discovery", "sound", "prompt", "push", "tray")
#: What a user installs. The other extras are for those who work on the program.
RUNTIME = [
    Requirement(text)
    for group in (
        PROJECT["dependencies"],
        *(PROJECT["optional-dependencies"][extra] for extra in EXTRAS),
    )
    for text in group
]
#: Built from source, and for Linux alone: installed apart from the rest.
MIN_DISTANCE = {"pygobject"}
#: Versions are dates, and all of the interface is one function: an upper end would only keep users
#: from newer root certificates.
WITHOUT_END = {"certifi"}


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    found = (line.split("==") for line in lines if "==" in line)
    return {canonicalize_name(package): version for package, version in found}


@pytest.mark.parametrize("requirement", RUNTIME, ids=str)
def test_each_range_has_a_lower_and_an_upper_end(requirement: Requirement) -> None:
    ends = {">="} if requirement.name in WITHOUT_END else {">=", "<"}
    assert {each.operator for each in requirement.specifier} == ends


@pytest.mark.parametrize("requirement", RUNTIME, ids=str)
def test_the_lowest_version_is_the_one_that_is_tested(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    if name in MIN_DISTANCE:
        return
    (lower,) = (each.version for each in requirement.specifier if each.operator == ">=")
    tested = pins("lowest.txt")[name]
    assert requirement.specifier.contains(tested)
    assert Version(tested).release[:2] == Version(lower).release[:2], tested


@pytest.mark.parametrize("requirement", RUNTIME, ids=str)
def test_what_the_tests_run_with_is_within_the_range(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    if name not in MIN_DISTANCE:
        assert requirement.specifier.contains(pins("test.txt")[name])


def test_nobody_is_told_to_install_from_an_index_that_does_not_have_it() -> None:
    wrong = re.compile(r"pip install[^\n]*['\" ]twistedcam\b")
    files = [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]
    for folder in ("twistedcam", "tray", "client", "benchmarks", "tools"):
        files += (ROOT / folder).rglob("*.py")
        files += (ROOT / folder).rglob("*.js")
    told = [str(file.relative_to(ROOT)) for file in files if wrong.search(file.read_text())]
    assert not told
