"""Recordings and snapshots of cameras."""

from twistedcam.recording.library.cleaner import RetentionService
from twistedcam.recording.library.library import Library
from twistedcam.recording.library.probe import Item
from twistedcam.recording.library.retention import RetentionLimits
from twistedcam.recording.recorder import Recorder
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.snapshot import write_snapshot

__all__ = [
    "Item",
    "Library",
    "RecordSettings",
    "Recorder",
    "RetentionLimits",
    "RetentionService",
    "write_snapshot",
]
