"""Searches installed packages for known vulnerabilities, and reports unchecked packages.

    python tools/audit.py VENV

pip-audit counts a package that its service does not know as safe, and all packages if a mirror
does not pass requests to the service: "No known vulnerabilities found" then means nothing.
The exit code is 0 if every package was checked and has no known vulnerability.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

#: The advisory services, asked in this order until all packages are checked.
SERVICES = ("pypi", "osv")
HOW = (
    "run it where the Python Package Index or OSV, the list of open-source vulnerabilities, can be "
    "reached without a mirror; 'pip list' lists the packages, to check them by hand"
)


class Verdict:
    """The results for each package, by its name.

    ``holes`` has a line for each vulnerability, ``unjudged`` why a package was not checked.
    """

    def __init__(self) -> None:
        self.judged: set[str] = set()
        self.holes: dict[str, list[str]] = {}
        self.unjudged: dict[str, str] = {}

    def add(self, dependencies: list[dict[str, Any]]) -> None:
        """Add the answer of one service (``dependencies`` of pip-audit's JSON)."""
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
                fixed = ", ".join(hole["fix_versions"]) or "no version yet"
                self.holes[name].append(f"{name} {each['version']}: {hole['id']}, fixed in {fixed}")

    def lines(self) -> list[str]:
        """The lines to print."""
        told = [line for lines in self.holes.values() for line in dict.fromkeys(lines)]
        if not self.judged:
            return ["nothing was checked: no advisory service answered for any package; " + HOW]
        told += [f"not checked: {why}" for why in self.unjudged.values()]
        if self.unjudged:
            told.append(f"{len(self.unjudged)} packages were not checked: {HOW}")
        return told or [f"no known vulnerabilities in {len(self.judged)} checked packages"]

    @property
    def is_well(self) -> bool:
        """True if all packages were checked and none has a known vulnerability."""
        return bool(self.judged) and not self.unjudged and not any(self.holes.values())


def ask(program: Path, service: str, packages: str) -> list[dict[str, Any]] | str:
    """The answer of a service about the installed packages, or the reason why there is none."""
    words = [str(program), "--skip-editable", "--progress-spinner", "off", "--format", "json"]
    words += ["--vulnerability-service", service, "--path", packages]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return found


def get_pip_audit(folder: Path) -> Path:
    """The program, in a separate environment, because its packages are not those of the project."""
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
        print(f"pip-audit cannot be installed, so nothing was checked: {HOW}", file=sys.stderr)
        return 1
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    python = environment / "bin" / "python"
    packages = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    verdict = Verdict()
    for service in SERVICES:
        found = ask(program, service, packages.stdout.strip())
        if isinstance(found, str):
            print(f"{service} did not answer: {found[:300]}", file=sys.stderr)
            continue
        verdict.add(found)
        if not verdict.unjudged:
            break
    print("\n".join(verdict.lines()), file=sys.stdout if verdict.is_well else sys.stderr)
    return 0 if verdict.is_well else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
