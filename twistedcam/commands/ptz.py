"""The commands that move cameras: pan, tilt, zoom and saved positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.camera.ptz.controller import MAX_MOVE_SECONDS, MOVE_SECONDS
from twistedcam.camera.ptz.motors import parse_direction
from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry
from twistedcam.commands.visible_cameras import VisibleCameras
from twistedcam.errors import BadArgument
from twistedcam.util.quantities import seconds as parse_seconds

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


def add_ptz_commands(registry: Registry) -> None:
    """Add the commands that begin with ``ptz``."""

    @registry.command("ptz move", skips_camera=_is_direction)
    async def ptz_move(
        server: Server,
        camera: Camera,
        direction: str,
        speed: str | None = None,
        *,
        seconds: str | None = None,
    ) -> Answer:
        """Move a camera: left, right, up, down, in (zoom), out, or two of them, such as up-left.

        SPEED is a share of full speed from 0.01 to 1, by default 0.5. The camera stops after 1.5
        seconds, after --seconds (10 at most), or at 'ptz stop'. To go on, repeat the command.
        """
        velocity = parse_direction(direction, speed)
        length = MOVE_SECONDS if seconds is None else parse_seconds(seconds, "--seconds")
        if not 0 < length <= MAX_MOVE_SECONDS:
            raise BadArgument(f"--seconds is more than 0 and at most {MAX_MOVE_SECONDS:g}")
        await server.channels[camera.name].ptz.move(velocity, length)
        return None

    @registry.command("ptz stop")
    async def ptz_stop(server: Server, camera: Camera) -> Answer:
        """Stop a camera that moves."""
        await server.channels[camera.name].ptz.stop()
        return None

    @registry.command("ptz home")
    async def ptz_home(server: Server, camera: Camera) -> Answer:
        """Move a camera to its home position."""
        await server.channels[camera.name].ptz.home()
        return None

    @registry.command("ptz presets", right="view", items="presets")
    async def ptz_presets(server: Server, camera: Camera) -> Answer:
        """List the saved positions of a camera."""
        return [{"preset": name} for name in await server.channels[camera.name].ptz.presets()]

    @registry.command("ptz preset", skips_camera=_is_no_camera)
    async def ptz_preset(server: Server, camera: Camera, name: str) -> Answer:
        """Move a camera to a saved position."""
        await server.channels[camera.name].ptz.go_to(name)
        return None

    @registry.command("ptz save", skips_camera=_is_no_camera)
    async def ptz_save(server: Server, camera: Camera, name: str) -> Answer:
        """Save the position of a camera under a name; one of the same name is replaced."""
        await server.channels[camera.name].ptz.save(name)
        return None

    @registry.command("ptz delete", skips_camera=_is_no_camera)
    async def ptz_delete(server: Server, camera: Camera, name: str) -> Answer:
        """Delete a saved position of a camera."""
        await server.channels[camera.name].ptz.delete(name)
        return None


def _is_direction(cameras: VisibleCameras, word: str) -> bool:
    try:
        parse_direction(word, None)
    except BadArgument:
        return False
    return True


def _is_no_camera(cameras: VisibleCameras, word: str) -> bool:
    return True
