"""Recordings and snapshots of cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.recording.library.library import Library
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.retention import RetentionLimits
from twistedcam.recording.library.retention_service import RetentionService
from twistedcam.recording.settings import RecordSettings
from twistedcam.util.late_names import import_late

if TYPE_CHECKING:
    from twistedcam.recording.recorder import Recorder
    from twistedcam.recording.snapshot import write_snapshot

__all__ = [
    "Library",
    "LibraryEntry",
    "RecordSettings",
    "Recorder",
    "RetentionLimits",
    "RetentionService",
    "write_snapshot",
]

#: What is imported when it is first asked for: options have settings of recorders, and make none.
_LATER = {
    "Recorder": "twistedcam.recording.recorder:Recorder",
    "write_snapshot": "twistedcam.recording.snapshot:write_snapshot",
}


def __getattr__(name: str) -> Any:
    return import_late(globals(), _LATER, name)
