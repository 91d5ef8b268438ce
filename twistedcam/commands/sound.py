"""The commands about a camera's sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


def add_sound_commands(registry: Registry) -> None:
    """Add ``mute`` and ``unmute``."""

    @registry.command("mute")
    def mute(server: Server, camera: Camera) -> Answer:
        """Mute a camera's sound at its source: nobody gets it, and nothing of it is kept.

        Recordings and viewers get silence in its place. It stays muted when the camera is opened
        again or the configuration is read again, until the next start; after 'save' longer.
        """
        server.channels[camera.name].mute(True)
        return None

    @registry.command("unmute")
    def unmute(server: Server, camera: Camera) -> Answer:
        """Unmute a camera's sound."""
        server.channels[camera.name].mute(False)
        return None
