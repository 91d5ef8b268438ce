"""The commands about motion detection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


def add_motion_commands(registry: Registry) -> None:
    """Add ``motion on`` and ``motion off``."""

    @registry.command("motion on")
    def motion_on(server: Server, camera: Camera) -> Answer:
        """Detect motion from now on, with the settings of the camera's configuration.

        The first seconds teach the detector what the camera sees. With a schedule (when), motion is
        detected at its times; the answer says if that is not now.
        """
        motion = server.channels[camera.name].motion
        if not motion.is_on:
            motion.switch(True)
        if motion.state == "off":
            return {"note": f"motion is detected at the times {motion.settings.when}"}
        return None

    @registry.command("motion off")
    def motion_off(server: Server, camera: Camera) -> Answer:
        """Stop detecting motion. A recording that motion has begun ends."""
        server.channels[camera.name].motion.switch(False)
        return None
