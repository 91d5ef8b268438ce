"""Virtual environments with twistedcam, what it depends on, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tests.support.process import ROOT

#: Where an environment's programs are, below the folder that it was made in.
BIN = Path("venv", "bin")
#: What would lead Python back to the checkout, or have it compile the same modules at each start.
LEFT_OUT = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


def environment() -> dict[str, str]:
    """The environment variables of programs there."""
    return {key: value for key, value in os.environ.items() if key not in LEFT_OUT}


def install_dependencies(folder: Path) -> None:
    """Make an environment below ``folder`` with what twistedcam depends on, without its extras.

    Its files are links to those that the tests themselves use: pip would download, unpack and
    compile them again.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    venv = folder / "venv"
    _make_empty(venv)
    for distribution in _needed(project["dependencies"]):
        _link(distribution, venv)


def install(folder: Path, dependencies: Path, editable: bool) -> None:
    """Install the checkout into an environment below ``folder``: its programs are in BIN.

    Arguments:
        dependencies: folder of ``install_dependencies``: they are large, and no copy is made.
        editable: as ``pip install --editable``, from the checkout itself.
    """
    venv = folder / "venv"
    _make_empty(venv)
    _lead_to(dependencies / "venv", venv)
    if editable:
        _pip_install(venv, "--editable", str(ROOT))
        return
    source = folder / "source"  # pip builds in place: keep the checkout clean
    source.mkdir()
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, tracked)):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    _pip_install(venv, str(source))


def _make_empty(venv: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)


def _needed(requirements: list[str]) -> list[metadata.Distribution]:
    """Return the installed distributions that these requirements, and those in turn, ask for."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [Requirement(each) for each in requirements]
    seen = set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        each = metadata.distribution(wanted.name)
        assert wanted.specifier.contains(each.version, prereleases=True), (wanted, each.version)
        found[each.name] = each
        for further in map(Requirement, each.requires or ()):
            extras = [{"extra": extra} for extra in ("", *wanted.extras)]
            if further.marker is None or any(map(further.marker.evaluate, extras)):
                waiting.append(further)
    return list(found.values())


def _link(distribution: metadata.Distribution, venv: Path) -> None:
    """Put an installed distribution into another environment, too."""
    assert distribution.files, f"pip has not installed {distribution.name}"
    packages = _site_packages(venv)
    for file in distribution.files:
        target = Path(os.path.normpath(packages / file))
        target.parent.mkdir(parents=True, exist_ok=True)
        source = Path(os.fspath(distribution.locate_file(file)))
        if target.parent == venv / "bin":
            target.write_text(source.read_text().replace(sys.prefix, str(venv), 1))
            target.chmod(0o755)
        elif source.exists():
            target.symlink_to(source)


def _lead_to(other: Path, venv: Path) -> None:
    """Have the packages and programs of another environment in this one, as if put by pip."""
    packages = _site_packages(venv) / "dependencies.pth"
    packages.write_text(f"{_site_packages(other)}\n")
    first_line = f"#!{other}/bin/python"
    for program in (other / "bin").iterdir():
        if not program.is_symlink() and (text := program.read_text()).startswith(first_line):
            own = venv / "bin" / program.name
            own.write_text(text.replace(str(other), str(venv), 1))
            own.chmod(0o755)


def _pip_install(venv: Path, *words: str) -> None:
    """Have this environment's pip install into that one."""
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python")]
    install = ["install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, *install, *words], check=True, env=environment())


def _site_packages(venv: Path) -> Path:
    [found] = venv.glob("lib/python*/site-packages")
    return found
