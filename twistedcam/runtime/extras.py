"""Commands that install extras: the optional parts of the program."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_path

_PROJECT = Path(__file__).resolve().parents[2]


def how_to_install(extra: str, project: Path = _PROJECT) -> str:
    """Return the command that adds an extra to this installation.

    An installed wheel does not know the file that it came from, and is in no index. So its command
    names the packages of the extra, and the Python that needs them.

    Arguments:
        extra: the name of the extra, as in ``pyproject.toml``.
        project: the folder that has the package.
    """
    is_checkout = (project / "pyproject.toml").is_file()
    is_own = Path(sys.prefix).resolve() == (project / ".venv").resolve()
    if is_checkout and is_own and find_spec("pip"):
        return f".venv/bin/pip install -e '.[{extra}]' in the project's folder"
    what = ["-e", f"{project}[{extra}]"] if is_checkout else _packages(extra)
    return install_command(*what)


def install_command(*packages: str) -> str:
    """Return the command that installs packages for the Python that runs this."""
    if find_spec("pip"):
        pip = [sys.executable, "-m", "pip", "install"]
    elif shutil.which("uv"):  # whose environments have no pip
        pip = ["uv", "pip", "install", "--python", sys.executable]
    else:  # in a Debian package: the system's pip
        pip = ["python3", "-m", "pip", "--python", sys.executable, "install"]
    # Asked of the folder that it changes: a user who may not change it needs root.
    is_foreign = os.name == "posix" and not os.access(get_path("purelib"), os.W_OK)
    return shlex.join([*(["sudo"] if is_foreign else []), *pip, *packages])


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
