"""Runs a short test with each Python, with the newest and with the lowest versions of packages.

    python tools/smoke.py 3.11 3.12 3.13

Each pair of an interpreter and versions gets its own virtual environment below .cache/smoke,
and runs tests/smoke there. The lowest versions are tested with the lowest of the interpreters, for
which they were made. Interpreters that are not installed are named and skipped. Needs only
Python's standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "smoke"
LOWEST = "requirements/lowest.txt"
NEWEST = "requirements/newest.txt"
#: Besides the program and what it needs.
TOOLS = ["pytest>=8", "hypothesis>=6.100"]


def main(versions: list[str]) -> int:
    """Run all pairs; 1 if one of them fails, or if there is no interpreter at all."""
    found = {version: path for version in versions if (path := interpreter(version))}
    for version in versions:
        if version not in found:
            print(f"smoke: no Python {version} on this machine: left out", flush=True)
    pairs = [(version, NEWEST) for version in found]
    if versions[0] in found:
        pairs.insert(0, (versions[0], LOWEST))
    failed = [pair for pair in pairs if not run(found[pair[0]], *pair)]
    for version, lock in failed:
        print(f"smoke: Python {version} with {lock} failed", flush=True)
    return 1 if failed or not pairs else 0


def interpreter(version: str) -> str | None:
    """The program of a Python version, by the PATH or by pyenv; None if there is none."""
    candidates = [shutil.which(f"python{version}")]
    if shutil.which("pyenv"):
        asked = subprocess.run(
            ["pyenv", "prefix", version], capture_output=True, text=True, check=False
        )
        candidates.append(f"{asked.stdout.strip()}/bin/python3" if asked.stdout else None)
    for candidate in filter(None, candidates):
        said = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.stdout.strip() == version:
            return candidate
    return None


def run(python: str, version: str, lock: str) -> bool:
    """Install and test one pair; return True if it succeeded."""
    venv = FOLDER / f"{version}-{Path(lock).stem}"
    program = venv / "bin" / "python"
    print(f"smoke: Python {version}, {lock}", flush=True)
    if not program.exists():
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
    pip = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--upgrade", "--upgrade-strategy", "eager", "--constraint", lock]
    if subprocess.run(
        [*pip, "--editable", ".[mqtt,discovery,prompt,push]", *TOOLS], cwd=ROOT
    ).returncode:
        return False
    frozen = subprocess.run(
        [str(program), "-m", "pip", "freeze", "--exclude-editable", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
    )
    print("  " + " ".join(frozen.stdout.split()), flush=True)
    tests = [str(program), "-m", "pytest", "tests/smoke"]
    return not subprocess.run(tests, cwd=ROOT, env=dict(os.environ)).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["3.11", "3.12", "3.13"]))
