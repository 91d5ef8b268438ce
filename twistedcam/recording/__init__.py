"""Recordings and snapshots of cameras."""

from twistedcam.recording.library.library import Library
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.retention import RetentionLimits
from twistedcam.recording.library.retention_service import RetentionService
from twistedcam.recording.recorder import Recorder
from twistedcam.recording.settings import RecordSettings
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
