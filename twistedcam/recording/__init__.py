"""Recordings: files that keep what a camera gave, at the times at which it gave it."""

from twistedcam.recording.recorder import Recorder
from twistedcam.recording.writer import RecordingResult

__all__ = ["Recorder", "RecordingResult"]
