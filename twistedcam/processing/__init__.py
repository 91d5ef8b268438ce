"""User code: a function that gets a camera's newest frames and makes another camera of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.processing.user_code import Code, Process, check_code, parse_process
from twistedcam.util.late_names import import_late

if TYPE_CHECKING:
    from twistedcam.processing.processor import Processor

__all__ = ["Code", "Process", "Processor", "check_code", "parse_process"]

#: What is imported when it is first asked for: options name user code, and run none.
_LATER = {"Processor": "twistedcam.processing.processor:Processor"}


def __getattr__(name: str) -> Any:
    return import_late(globals(), _LATER, name)
