"""Names of a package that are imported when they are first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any


def import_late(package: dict[str, Any], later: Mapping[str, str], name: str) -> Any:
    """Return what a name stands for, and keep it in the package: for its ``__getattr__``.

    Arguments:
        package: the package's ``globals()``.
        later: ``MODULE:ATTRIBUTE`` for each name.

    Raises:
        AttributeError: there is no such name.
    """
    if name not in later:
        raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
    module, _, attribute = later[name].partition(":")
    found = package[name] = getattr(importlib.import_module(module), attribute)
    return found
