"""The commands that every server has."""

from __future__ import annotations

import contextlib
import platform
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from twisted import __version__ as twisted_version
from twistedcam.auth.expiry import as_local_time
from twistedcam.commands.areas import add_area_commands
from twistedcam.commands.command import Answer, Command
from twistedcam.commands.events import add_event_commands
from twistedcam.commands.motion import add_motion_commands
from twistedcam.commands.playback import add_playback_commands
from twistedcam.commands.ptz import add_ptz_commands
from twistedcam.commands.publishing import add_publishing_commands
from twistedcam.commands.recording import add_recording_commands
from twistedcam.commands.registry import Registry
from twistedcam.commands.session import add_session_commands
from twistedcam.commands.sound import add_sound_commands
from twistedcam.commands.status_fields import camera_status, camera_summary, viewer_status
from twistedcam.commands.visible_cameras import VisibleCameras
from twistedcam.core.broker_state import broker_status
from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.webcam.controls import COMMON, short_word
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


#: Seconds after which ``kick`` answers that the connection is still closing.
KICK_TIMEOUT = 5.0


def standard_commands() -> Registry:
    """Return a registry with all standard commands."""
    registry = Registry()

    @registry.command(
        "help", right="view", before_auth=True, items="commands", as_lines=_help_lines
    )
    def help(server: Server, command: list[str] = []) -> Answer:  # noqa: B006
        """List the commands, or show the help of one: help record start."""
        if not command:
            return [_describe(each) for each in registry]
        found, rest = registry.find(" ".join(command).split())
        if rest:
            raise BadArgument(f"{rest[0]!r} is one argument too many: {found.usage}")
        return {**_describe(found), "help": found.help}

    @registry.command("status", right="view")
    def status(server: Server, camera: Camera) -> Answer:
        """Show the status of a camera: state, source, size, rates, viewers, recording."""
        return camera_status(server, camera)

    @registry.command("server", right="view", shared_keys=("view", "page", "rtsp"))
    def about_server(server: Server) -> Answer:
        """Show this server's addresses, and the folder on its machine for recordings.

        reading_recordings has the progress while the server reads recordings that are new to it.
        """
        progress = server.library.scan_progress
        return {
            "view": server.urls.get("view"),
            "page": server.urls.get("page"),
            "rtsp": server.urls.get("rtsp"),
            "recordings": str(server.recordings),
            "reading_recordings": f"{progress[0]} of {progress[1]}"
            if progress is not None and progress[1]
            else None,
            **broker_status(server.broker, server.clock.seconds()),
            "uptime": round(server.clock.seconds() - server.started_at, 1),
        }

    @registry.command("cameras", right="view", items="cameras")
    def cameras(server: Server) -> Answer:
        """List the cameras."""
        return [camera_summary(server, camera) for camera in server.cameras.values()]

    @registry.command("start")
    async def start(server: Server, camera: Camera) -> Answer:
        """Start streaming; answers when the first picture has arrived."""
        await camera.start()
        return None

    @registry.command("stop")
    async def stop(server: Server, camera: Camera) -> Answer:
        """Stop streaming after finishing a recording. Viewers stay connected.

        The stream stops in any case. If the recording could not be finished, the answer is that
        error; if no picture came for it, the answer has a note.
        """
        recorder = server.channels[camera.name].recorder
        recorded = await recorder.stop()
        await camera.stop()
        if recorded is None or recorder.failure is None:
            return None
        if isinstance(recorder.failure, CameraFailed):
            return {"note": str(recorder.failure)}
        raise recorder.failure

    add_recording_commands(registry)
    add_playback_commands(registry)
    add_publishing_commands(registry)
    add_event_commands(registry)
    add_motion_commands(registry)
    add_area_commands(registry)
    add_sound_commands(registry)
    add_ptz_commands(registry)

    @registry.command("viewers", right="view", items="viewers")
    def viewers(server: Server) -> Answer:
        """List the viewers."""
        now = server.clock.seconds()
        return [viewer_status(viewer, now) for viewer in server.viewers]

    @registry.command("kick")
    async def kick(server: Server, id: str) -> Answer:
        """Close a viewer's connection."""
        if not id.isascii() or not id.isdigit() or len(id) > 18:  # "²" is a digit, but not a number
            raise BadArgument(f"{id!r} is not the number of a viewer: 'viewers' lists them")
        gone = server.viewers.kick(int(id)).addCallback(lambda _: True)
        if await gone.addTimeout(KICK_TIMEOUT, server.clock, lambda *_: False):
            return None
        return {"note": f"the connection of viewer {id} is still closing"}

    @registry.command("logins", right="admin", items="logins")
    def logins(server: Server) -> Answer:
        """List who is logged in to the page: the token, the browser, the last request."""
        return [
            {
                "id": each.id,
                "token": each.token,
                "address": each.address,
                "browser": each.agent,
                "since": as_local_time(each.created),
                "used": as_local_time(each.used),
            }
            for each in server.logins.all()
        ]

    @registry.command("logins end", right="admin")
    def end_login(server: Server, id: str) -> Answer:
        """Log a browser out, and close its connections."""
        server.logins.end(server.logins.named(id))
        return None

    @registry.command("get", right="view", items="properties", skips_camera=_is_property)
    async def get(server: Server, camera: Camera, property: str | None = None) -> Answer:
        """Show a camera's properties, or one: its value, default, range or choices.

        If the device uses a different value than was requested, both are shown.
        """
        properties = server.channels[camera.name].properties
        if property is not None:
            return (await properties.get_one(property)).as_dict()
        return [each.as_dict() for each in (await properties.get()).values()]

    @registry.command("set")
    async def set(server: Server, camera: Camera, property: str, value: str) -> Answer:
        """Change a property of a running camera; answers with the value that the device uses.

        To change fps or size, the device is reopened; viewers and a recording are kept.
        """
        return (await server.channels[camera.name].properties.set(property, value)).as_dict()

    @registry.command("save", right="admin")
    async def save(server: Server, camera: Camera, *, forget: bool = False) -> Answer:
        """Save the properties of a camera for the next start; with --forget, delete them.

        So are its zones, ignored areas and privacy masks, and if motion is detected.
        The values that differ from the configuration are written to a file in the hidden folder
        of the recordings. The configuration itself does not change; changes to it have precedence.
        """
        kept = await server.save_settings(camera.name, forget=forget)
        words = [f"{name}={'(unset)' if text is None else text}" for name, text in kept.items()]
        return {"camera": camera.name, "saved": " ".join(words) or None}

    @registry.command("ping", right="view", before_auth=True)
    def ping(server: Server) -> Answer:
        """Answer OK."""
        return None

    @registry.command("version", right="view")
    def version(server: Server) -> Answer:
        """Show the versions of the server and its libraries."""
        return {
            "twistedcam": __version__,
            "python": platform.python_version(),
            "twisted": twisted_version,
            "opencv": _version_of("cv2", "opencv-python", "opencv-python-headless"),
            "numpy": _version_of("numpy", "numpy"),
            "av": _version_of("av", "av"),
            "system": platform.platform(),
        }

    @registry.command("reload", right="admin")
    async def reload(server: Server) -> Answer:
        """Read the configuration again, and apply changes to cameras, recording and targets.

        Renewed certificates and keys of the ports are read, too, and used for new connections.
        """
        return await server.reload()

    @registry.command("shutdown", right="admin")
    def shutdown(server: Server) -> Answer:
        """Stop the server: recordings are finished, and viewers are notified."""
        server.on_shutdown()
        return None

    add_session_commands(registry)
    return registry


def _version_of(module: str, *packages: str) -> str:
    """Return the version of a library, without importing it if a package says it."""
    # Imported late: it takes 20 ms, and few ask for versions.
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as package_version

    loaded = getattr(sys.modules.get(module), "__version__", None)
    if loaded is not None:
        return str(loaded)
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            return ".".join(package_version(package).split(".")[:3])
    return str(import_module(module).__version__)


def _is_property(cameras: VisibleCameras, word: str) -> bool:
    """True if it names a property; with several cameras, the client then has to name one."""
    channels = cameras.server.channels
    names = [name for each in cameras.own for name in channels[each.name].properties.names()]
    return word in names or short_word(word) in COMMON  # a device may not have been queried yet


def _describe(command: Command) -> dict[str, Any]:
    return {"command": command.usage, "name": command.name, "summary": command.summary}


def _help_lines(answer: Answer) -> list[str]:
    """Return ``USAGE: SUMMARY`` for each command; for one, its usage and ``help: …`` lines."""
    if isinstance(answer, dict):
        lines = [line.strip() for line in answer["help"].splitlines() if line.strip()]
        return [f"command: {answer['command']}", *(f"help: {line}" for line in lines)]
    return [f"{each['command']}: {each['summary']}" for each in answer or []]
