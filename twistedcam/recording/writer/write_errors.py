"""What is said of a recording that cannot be written: the disk's errors, and FFmpeg's."""

from __future__ import annotations

import av.error

from twistedcam.errors import CommandError, RecordingFailed
from twistedcam.recording.writer.part_file import disk_error


class MuxerError(OSError):
    """FFmpeg could not finish a file. The disk has nothing to do with it."""


def recording_error(name: str, error: Exception) -> CommandError:
    """The error for a file that could not be written.

    FFmpeg writes through a file object of ours, which keeps the disk's errors to itself: what
    FFmpeg says is never about the disk, although PyAV makes OSErrors of some of its errors.
    """
    if isinstance(error, (av.error.FFmpegError, MuxerError)):
        return RecordingFailed(f"{name}: FFmpeg cannot write it: {error.strerror or error}")
    if isinstance(error, OSError):
        return disk_error(name, error)
    return RecordingFailed(f"{name}: {type(error).__name__}: {error}")
