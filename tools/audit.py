"""Asks for known holes in what is installed, and says so where nobody could be asked.

    python tools/audit.py VENV

pip-audit counts a package that its service does not know as no hole, and all of them where the
service cannot be reached by way of a mirror: "No known vulnerabilities found" then means nothing.
Ends with 0 when every package was judged and none has a hole.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

#: Where advisories are kept: asked in this order, until one has judged all.
SERVICES = ("pypi", "osv")
HOW = (
    "run it where the Python Package Index or OSV, the list of open-source holes, can be reached "
    "without a mirror in between; 'pip list' says what there is to look up by hand"
)


class Verdict:
    """What is known of each package, by its name.

    ``holes`` has a line for each hole, ``unjudged`` why a package could not be judged.
    """

    def __init__(self) -> None:
        self.judged: set[str] = set()
        self.holes: dict[str, list[str]] = {}
        self.unjudged: dict[str, str] = {}

    def add(self, dependencies: list[dict[str, Any]]) -> None:
        """Take in what one service has said (pip-audit's JSON, ``dependencies``)."""
        for each in dependencies:
            name = each["name"]
            if "skip_reason" in each:
                if "editable" not in each["skip_reason"] and name not in self.judged:
                    self.unjudged[name] = each["skip_reason"]
                continue
            self.judged.add(name)
            self.unjudged.pop(name, None)
            self.holes.setdefault(name, [])
            for hole in each["vulns"]:
                fixed = ", ".join(hole["fix_versions"]) or "nowhere yet"
                self.holes[name].append(
                    f"{name} {each['version']}: {hole['id']}, mended in {fixed}"
                )

    def lines(self) -> list[str]:
        """What a person is told."""
        told = [line for lines in self.holes.values() for line in dict.fromkeys(lines)]
        if not self.judged:
            return ["nothing was judged: no advisory service answered for any package; " + HOW]
        told += [f"not judged: {why}" for why in self.unjudged.values()]
        if self.unjudged:
            told.append(f"{len(self.unjudged)} packages were not judged: {HOW}")
        return told or [f"no known hole in what was judged: {len(self.judged)}"]

    @property
    def is_well(self) -> bool:
        """Whether all were judged, and none has a hole."""
        return bool(self.judged) and not self.unjudged and not any(self.holes.values())


def ask(program: Path, service: str, packages: str) -> list[dict[str, Any]] | str:
    """What a service says of what is installed there, or why it said nothing."""
    words = [str(program), "--skip-editable", "--progress-spinner", "off", "--format", "json"]
    words += ["--vulnerability-service", service, "--path", packages]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return found


def get_pip_audit(folder: Path) -> Path:
    """The program, in an environment of its own: its packages are none of ours."""
    program = folder / "bin" / "pip-audit"
    if not program.exists():
        venv.create(folder, with_pip=True)
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
        subprocess.run([folder / "bin" / "python", *words], check=True)
    return program


def main(environment: Path) -> int:
    """Audit an environment; the program's exit code."""
    try:
        program = get_pip_audit(environment / "audit")
    except subprocess.CalledProcessError:
        print(f"pip-audit cannot be installed, so nothing was judged: {HOW}", file=sys.stderr)
        return 1
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    python = environment / "bin" / "python"
    packages = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    verdict = Verdict()
    for service in SERVICES:
        found = ask(program, service, packages.stdout.strip())
        if isinstance(found, str):
            print(f"{service} could not be asked: {found[:300]}", file=sys.stderr)
            continue
        verdict.add(found)
        if not verdict.unjudged:
            break
    print("\n".join(verdict.lines()), file=sys.stdout if verdict.is_well else sys.stderr)
    return 0 if verdict.is_well else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
