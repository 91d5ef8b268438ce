"""Recording: containers, pre-roll, segments, what is kept and what a crash leaves."""

from twistedcam.recording.keeper import Keeper
from twistedcam.recording.library import Library
from twistedcam.recording.probe import Item
from twistedcam.recording.recorder import Recorder
from twistedcam.recording.retention import Limits
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.snapshot import write_snapshot

__all__ = [
    "Item",
    "Keeper",
    "Library",
    "Limits",
    "RecordSettings",
    "Recorder",
    "write_snapshot",
]
