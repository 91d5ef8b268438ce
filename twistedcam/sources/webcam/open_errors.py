"""Why a webcam cannot be had, in words that say what to do (Linux)."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from twistedcam.errors import CameraFailed
from twistedcam.sources.webcam.devices import Holder, holders


class InUse(CameraFailed):
    """Somebody else has the device.

    Arguments:
        path: the device's file.
        found: who has it, as far as this user may see.
    """

    def __init__(self, path: str, found: Sequence[Holder]) -> None:
        #: The first of those who have it, or None if they may not be seen.
        self.holder = found[0] if found else None
        super().__init__(f"{path} is in use {_by_whom(found)}")


def explain(path: str, error: OSError) -> CameraFailed:
    """What the system says of a device, for a person."""
    if error.errno == errno.EBUSY:
        return InUse(path, holders(path))
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return CameraFailed(f"there is no camera {path}: is it plugged in?")
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "add the user to the group 'video'"
        return CameraFailed(f"{path} may not be opened by this user: {hint}")
    if error.errno == errno.ENOSPC:  # STREAMON's: nothing to do with a disk
        return CameraFailed(
            f"{path}: the USB bus has no bandwidth left for this camera. Set a smaller size, a"
            " lower fps or format=mjpg, or plug it into a port of another USB controller"
        )
    if error.errno in (errno.ENOTTY, errno.EINVAL):
        return CameraFailed(f"{path} is no camera: it does not speak V4L2")
    return CameraFailed(f"{path}: {error.strerror}")


def explain_silent(path: str) -> CameraFailed:
    """Why OpenCV does not open it, which does not say."""
    found = holders(path)
    if found:
        return InUse(path, found)
    return CameraFailed(f"{path} is no camera that gives pictures, or it is in use")


def _by_whom(found: Sequence[Holder]) -> str:
    if not found:
        return "by another program, which this user may not see"
    if found[0].pid == os.getpid():
        return "by this server: by another camera, or by an opening that hangs in the driver"
    return "by " + ", ".join(dict.fromkeys(f"{each.name} (process {each.pid})" for each in found))
