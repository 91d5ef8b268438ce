"""What the processes have in common that this program starts."""

from __future__ import annotations

import os
from pathlib import Path


def package_root() -> Path:
    """Return the folder that the package ``twistedcam`` was imported from."""
    return Path(__file__).parents[2]


def child_environment() -> dict[str, str]:
    """Return this process's environment, with ``package_root`` first in ``PYTHONPATH``."""
    paths = filter(None, [str(package_root()), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
