"""The server on a kernel's own V4L2 test driver (vivid): ``make kernel-test``.

Boots Debian's kernel in a virtual machine that sees this machine's files, read-only, and runs
``vivid.py`` there.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.kernel.machine import (
    ENDED,
    Unfit,
    check_programs,
    fetch_kernel,
    job_lines,
    make_start,
    run_machine,
)
from tests.support.process import ROOT

#: Seconds that boot and tests may take where there is KVM.
LIMIT = 300.0


def main() -> int:
    """Run; 0 if all went well."""
    words = sys.argv[1:]  # for pytest: -k control
    # Hypothesis would write beside the sources, which cannot be written to.
    test = (sys.executable, "-m", "pytest", "-vv", "--color=no", "-p", "no:hypothesispytest")
    test += ("tests/kernel/vivid.py", *words)
    try:
        check_programs()
        kernel = fetch_kernel()
        with tempfile.TemporaryDirectory() as folder:
            begin = Path(folder, "start")
            begin.mkdir()
            start = make_start(kernel, begin, ["vivid"], job_lines(ROOT, *test))
            result = _follow(run_machine(kernel, start, LIMIT))
    except Unfit as error:
        print(error, file=sys.stderr)
        return 1
    print("ok" if result == 0 else "FAILED")
    return result


def _follow(lines: Iterator[str]) -> int:
    """Show what the tests say; how they ended, 1 if they did not."""
    for line in lines:
        if line.startswith(ENDED):
            return int(line.removeprefix(ENDED))
        print(line, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
