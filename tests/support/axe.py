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
AXE = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"], rules: {
  "label-content-name-mismatch": {enabled: true}, "target-size": {enabled: true},
}}).then(({violations}) => done(violations.map((each) => [
  each.id, each.impact, each.nodes.map((node) => `${node.target}: ${node.failureSummary}`),
])));
"""


def violations(page: Page, windows: Sequence[tuple[int, int, bool]] = WINDOWS) -> list[Any]:
    """Return the violations that axe-core finds in windows of these sizes, light and dark."""
    found = sorted(PARTS.glob("axe-*.min.js"))
    require(found, f"no axe-core: python tools/browser_parts.py {PARTS}")
    page.chrome.execute_script(found[-1].read_text())
    page.chrome.set_script_timeout(60)
    seen = []
    for width, height, dark in windows:
        page.look(width, height, dark)
        seen += [[width, dark, *each] for each in page.chrome.execute_async_script(AXE)]
    page.look()
    return seen
