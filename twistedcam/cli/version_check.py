"""``twistedcam version``: the version of this program, and on request the newest one."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys

from twistedcam.errors import NotSupported
from twistedcam.version import __version__

EXAMPLE = """examples:
  twistedcam version
  twistedcam version --check"""

#: Seconds that the index of packages may take.
TIMEOUT = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--check", action="store_true", help="ask the index that pip uses for the newest release"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the version; without ``--check`` nothing is sent to anybody."""
    found = {"version": __version__}
    if arguments.check:
        found["newest"] = newest_version()
    if arguments.json:
        print(json.dumps(found))
        return 0
    print(f"twistedcam {__version__}")
    if arguments.check:
        is_newest = _parts(found["newest"]) <= _parts(__version__)
        print("this is the newest release" if is_newest else f"{found['newest']} is available")
    return 0


def newest_version() -> str:
    """Return the newest release in the index of packages that pip is configured to use.

    Raises:
        NotSupported: pip is missing, the index does not answer, or has no release.
    """
    words = [sys.executable, "-m", "pip", "index", "versions", "twistedcam"]
    words += ["--disable-pip-version-check", "--no-input"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise NotSupported(f"the index of packages did not answer within {TIMEOUT:g} s") from None
    if "No module named pip" in done.stderr:
        raise NotSupported("this Python has no pip: ask the tool that installed twistedcam")
    versions = re.findall(r"^Available versions: ([^,\s]+)", done.stdout, re.MULTILINE)
    if not versions:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[-1].partition(": ")[2] if errors else "pip gave no answer"
        raise NotSupported(f"the newest release is not known: {reason}")
    return str(versions[0])


def _parts(version: str) -> tuple[int, ...]:
    """The numbers of a release, to compare them."""
    return tuple(int(number) for number in re.findall(r"\d+", version))
