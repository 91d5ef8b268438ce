"""The audit succeeds only if every package was checked and none has a known vulnerability."""

from __future__ import annotations

import importlib.util
from typing import Any

from tests.support.process import ROOT

_spec = importlib.util.spec_from_file_location("audit", ROOT / "tools" / "audit.py")
assert _spec is not None and _spec.loader is not None
audit: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(audit)

OURS = {"name": "twistedcam", "skip_reason": "distribution marked as editable"}
GOOD = {"name": "attrs", "version": "26.1", "vulns": []}
UNKNOWN = {"name": "attrs", "skip_reason": "Dependency not found on PyPI: attrs (26.1)"}
HOLE = {"id": "CVE-2026-1", "fix_versions": ["3.2"], "aliases": [], "description": ""}
BAD = {"name": "jinja2", "version": "3.1", "vulns": [HOLE]}


def verdict(*answers: list[dict[str, Any]]) -> Any:
    found = audit.Verdict()
    for each in answers:
        found.add(each)
    return found


def test_all_checked_without_vulnerability_succeeds() -> None:
    found = verdict([OURS, GOOD])
    assert (found.is_well, found.lines()) == (
        True,
        ["no known vulnerabilities in 1 checked packages"],
    )


def test_a_hole_is_named_with_what_mends_it() -> None:
    found = verdict([GOOD, BAD], [BAD])
    assert not found.is_well
    assert found.lines() == ["jinja2 3.1: CVE-2026-1, fixed in 3.2"]


def test_nothing_checked_is_a_failure() -> None:
    for found in (verdict(), verdict([OURS, UNKNOWN])):
        assert not found.is_well
        [line] = found.lines()
        assert line.startswith("nothing was checked: ") and "Python Package Index" in line


def test_a_package_that_one_service_does_not_know_may_be_known_to_another() -> None:
    assert not verdict([UNKNOWN, BAD]).is_well
    assert verdict([UNKNOWN], [GOOD]).is_well
    assert verdict([GOOD], [UNKNOWN]).is_well
