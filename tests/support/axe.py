"""Checks of accessibility by axe-core."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.chromium import Page
from tests.support.system import require

#: The folder where `make test` installs axe-core (tools/browser_parts.py).
PARTS = Path(sys.prefix) / "share/twistedcam-tests"
#: Width, height, dark.
WINDOWS = [(1280, 900, False), (1280, 900, True), (390, 844, False), (390, 844, True)]
#: Rules whose result changes with the colours alone.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
AXE = """
const [part, only, done] = arguments;
const rules = only ? {runOnly: {type: "rule", values: only}} : {rules: {
  "label-content-name-mismatch": {enabled: true}, "target-size": {enabled: true},
}};
const listed = ({violations}) => violations.map((each) => [
  each.id, each.impact, each.nodes.map((node) => `${node.target}: ${node.failureSummary}`),
]);
axe.run(part ?? document, {resultTypes: ["violations"], ...rules}).then(listed).then(done);
"""


def violations(
    page: Page, windows: Sequence[tuple[int, int, bool]] = WINDOWS, part: str | None = None
) -> list[Any]:
    """Return the violations that axe-core finds in windows of these sizes, light and dark.

    All rules are checked once for each size, and in other colours only those of colours.

    Arguments:
        part: the selector of the only part to check: a dialog before a page that was checked.
    """
    found = sorted(PARTS.glob("axe-*.min.js"))
    require(found, f"no axe-core: python tools/browser_parts.py {PARTS}")
    if not page.chrome.execute_script("return 'axe' in window"):
        page.chrome.execute_script(found[-1].read_text())
    page.chrome.set_script_timeout(60)
    seen, checked = [], set()
    for width, height, dark in windows:
        page.look(width, height, dark)
        only = OF_COLOURS if (width, height) in checked else None
        checked.add((width, height))
        answer = page.chrome.execute_async_script(AXE, part, only)
        seen += [[width, dark, *each] for each in answer]
    page.look()
    return seen
