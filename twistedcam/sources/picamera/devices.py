"""The Raspberry Pi cameras of this computer, and whether Picamera2 can be used."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from twistedcam.sources.picamera.interpreter import (
    INSTALL,
    VARIABLE,
    command,
    environment_of,
    find_python,
)
from twistedcam.sources.picamera.messages import CameraDecoder, CameraList, PiCameraFailed

#: Seconds that the cameras may take to answer.
TIMEOUT = 15.0
_MODEL = Path("/proc/device-tree/model")
#: Sizes that the camera's image processor makes of larger pictures.
_USUAL = ((640, 480), (1280, 720), (1920, 1080))


@dataclass(frozen=True)
class PiCamera:
    """A camera.

    Arguments:
        number: its number for ``picamera:``.
        id: the name that libcamera has for it.
        model: the model of its sensor.
        modes: pairs of (width, height) and the greatest rate in frames per second.
        problem: why its modes are not known, or empty.
    """

    number: int
    id: str
    model: str
    modes: tuple[tuple[tuple[int, int], float], ...]
    problem: str


@dataclass(frozen=True)
class PiCameras:
    """The cameras, and the problem that hides them, if there is one."""

    cameras: tuple[PiCamera, ...]
    problem: str = ""


def is_raspberry_pi() -> bool:
    """True if this computer is a Raspberry Pi."""
    try:
        return "Raspberry Pi" in _MODEL.read_text(errors="replace")
    except OSError:
        return False


def list_pi_cameras() -> PiCameras:
    """Return the cameras; none if this is no Raspberry Pi. Blocks while libcamera looks."""
    if not is_raspberry_pi() and not os.environ.get(VARIABLE):
        return PiCameras(())
    python = find_python()
    try:
        done = subprocess.run(
            command(python),
            input=b'{"list": true}\n',
            env=environment_of(python),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        (message,) = CameraDecoder().feed(done.stdout)
    except subprocess.TimeoutExpired:
        return PiCameras((), f"the cameras have not answered within {TIMEOUT:g} s")
    except OSError as error:
        return PiCameras((), f"{python} cannot be started: {error.strerror}")
    except ValueError:
        from twistedcam.runtime.child_process import last_line  # it needs Twisted

        output = last_line(done.stderr)[:240]
        return PiCameras((), f"{python} has failed: {output or 'it said nothing'}")
    if isinstance(message, CameraList):
        return PiCameras(tuple(_camera(n, each) for n, each in enumerate(message.cameras)))
    reason = message.reason if isinstance(message, PiCameraFailed) else "an unexpected answer"
    if "cannot be imported" in reason:
        reason = f"Picamera2 is not installed for {python}: {INSTALL}"
    return PiCameras((), reason)


def _camera(number: int, found: dict[str, object]) -> PiCamera:
    modes = found.get("modes")
    native = {
        (int(each["size"][0]), int(each["size"][1])): float(each["fps"])
        for each in (modes if isinstance(modes, list) else [])
    }
    scaled = {
        size: max(rates)
        for size in _USUAL
        if (rates := [rate for mode, rate in native.items() if _covers(mode, size)])
    }
    shown = sorted((scaled | native).items(), reverse=True)
    name, model, problem = (str(found.get(key) or "") for key in ("id", "model", "problem"))
    return PiCamera(number, name, model, tuple(shown), problem)


def _covers(mode: tuple[int, int], size: tuple[int, int]) -> bool:
    return mode[0] >= size[0] and mode[1] >= size[1]
