"""Compares a class with an interface."""

from __future__ import annotations

import inspect
from typing import Any


def missing_members(implementation: type, interface: type[Any]) -> list[str]:
    """Return the methods of an interface that a class lacks, or has with other parameters."""
    methods = {name: each for name, each in vars(interface).items() if inspect.isfunction(each)}
    return [
        name
        for name, method in methods.items()
        if not name.startswith("_")
        and not _has_parameters(getattr(implementation, name, None), method)
    ]


def _has_parameters(found: Any, method: Any) -> bool:
    if not callable(found):
        return False
    given, wanted = (
        [(each.name, each.default) for each in inspect.signature(call).parameters.values()]
        for call in (found, method)
    )
    return given == wanted
