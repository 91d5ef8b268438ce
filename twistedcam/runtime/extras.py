"""Commands that install extras: the optional parts of the program."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]


def how_to_install(extra: str, project: Path = _PROJECT) -> str:
    """Return the command that adds an extra to this installation.

    An installed wheel does not know the file that it came from, and is in no index. So its command
    names the packages of the extra, and the Python that needs them.

    Arguments:
        extra: the name of the extra, as in ``pyproject.toml``.
        project: the folder that has the package.
    """
    if (project / "pyproject.toml").is_file():
        return f".venv/bin/pip install -e '.[{extra}]' in the project's folder"
    # An environment of uv has no pip.
    pip = [sys.executable, "-m", "pip", "install"]
    uv = ["uv", "pip", "install", "--python", sys.executable]
    return shlex.join([*(pip if find_spec("pip") else uv), *_packages(extra)])


def _packages(extra: str) -> list[str]:
    """The packages of an extra, with their versions, as the installed metadata has them."""
    from importlib.metadata import PackageNotFoundError, requires  # only for a wheel

    try:
        requirements = requires("twistedcam") or []
    except PackageNotFoundError:  # a copy that nobody has installed
        return [f"twistedcam[{extra}]"]
    parts = (each.partition(";") for each in requirements)
    ours = (f'extra == "{extra}"', f"extra == '{extra}'")
    return [package.strip() for package, _, marker in parts if any(map(marker.__contains__, ours))]
