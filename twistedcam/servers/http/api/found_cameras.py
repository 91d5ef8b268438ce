"""Cameras that could be added: webcams of this machine, and devices in the network."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from twistedcam.errors import BadArgument, CameraFailed, TooMany
from twistedcam.runtime.child_process import child_environment, last_line, module_command
from twistedcam.runtime.threads import run_in_thread
from twistedcam.servers.http.api.commands import read_body
from twistedcam.servers.http.connection.request import HttpRequest

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Seconds for the program that looks for them.
TIMEOUT = 20.0
#: Devices, and modes of one, that are returned.
_MAX_FOUND, _MAX_MODES = 100, 60
#: Formats that a webcam can be asked for.
_FORMATS = frozenset({"mjpg", "yuyv", "h264", "hevc"})


class CameraSearch:
    """Looks for cameras on request, for one page at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_looking = False

    async def answer(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the cameras that a request asks for, as ``find_cameras`` does.

        Raises:
            BadArgument: ``network`` is neither true nor false.
            CameraFailed: it is not possible to look; the message has the reason.
            TooMany: somebody else is looking.
        """
        network = read_body(request).get("network", False)
        if not isinstance(network, bool):
            raise BadArgument("network must be true or false")
        if self._is_looking:
            raise TooMany("somebody else is looking for cameras: wait until that has ended")
        self._is_looking = True
        try:
            return await find_cameras(self._server, network)
        finally:
            self._is_looking = False


async def find_cameras(server: Server, network: bool) -> list[dict[str, Any]]:
    """Return cameras: ``name``, ``source``, ``modes``, ``sounds`` and ``note``.

    ``modes`` have ``size``, ``fps`` and ``format``, the largest first. ``sounds`` are values of the
    setting ``audio``: the microphones that a webcam can have. ``note`` says which program uses a
    webcam, or what has to be written into the source.

    Arguments:
        network: True to look in the local network in place of this machine.

    Raises:
        CameraFailed: it is not possible to look; the message has the reason.
    """
    return await run_in_thread(server.make_thread, partial(_find, network))


def _find(network: bool) -> list[dict[str, Any]]:
    """Run ``twistedcam devices`` as a process: a driver that hangs does not stop the server."""
    command = module_command("twistedcam", "devices", "--json", *["--network"] * network)
    try:
        done = subprocess.run(
            command,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CameraFailed(f"a device has not answered within {TIMEOUT:g} s") from None
    except OSError as error:
        raise CameraFailed(f"the program that looks cannot be started: {error}") from None
    if done.returncode:
        reason = last_line(done.stderr).removeprefix("twistedcam: ")
        raise CameraFailed(reason or "the program that looks has failed")
    return describe(json.loads(done.stdout), os.getpid())


def describe(found: Iterable[dict[str, Any]], own: int) -> list[dict[str, Any]]:
    """Return what ``twistedcam devices --json`` prints in the form of ``find_cameras``.

    Arguments:
        own: the number of this process.
    """
    found = list(found)
    shared = ["alsa:default"] * any(each.get("kind") == "microphone" for each in found)
    cameras = []
    for each in found:
        if each.get("kind") in ("twistedcam", "onvif"):
            note = "it needs a login" if each["needs_login"] else ""
            cameras += [
                {
                    "name": each["name"],
                    "source": source,
                    "modes": [],
                    "sounds": [],
                    "note": each["problem"] or note,
                }
                for source in each["sources"]
            ]
        elif each.get("kind", "webcam") in ("webcam", "picamera"):
            users = [
                "this server" if user.endswith(f"(process {own})") else user
                for user in each["in_use_by"]
            ]
            note = each["problem"] or (f"in use by {', '.join(users)}" if users else "")
            modes = _modes(each["formats"])
            cameras.append(
                {
                    "name": each["device"],
                    "source": each["source"],
                    "modes": modes,
                    "sounds": ["auto"] * bool(each["microphone"]) + shared,
                    "note": note,
                }
            )
    return cameras[:_MAX_FOUND]


def _modes(formats: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the modes of a webcam, the largest and fastest first."""
    modes = [
        {"size": f"{each['width']}x{each['height']}", "fps": rate, "format": each["format"].lower()}
        for each in sorted(formats, key=lambda each: -each["width"] * each["height"])
        if each["format"].lower() in _FORMATS
        for rate in sorted(each["fps"], reverse=True)
    ]
    return modes[:_MAX_MODES]
