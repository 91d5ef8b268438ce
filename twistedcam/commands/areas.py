"""The commands about areas of the picture: zones, what is ignored, and privacy masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry
from twistedcam.errors import BadArgument
from twistedcam.events import PropertiesChanged
from twistedcam.processing.motion.settings import read_zones, zones_text
from twistedcam.util.polygons import polygons_text, read_polygons

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

#: The word for no polygons.
NONE = "none"


def add_area_commands(registry: Registry) -> None:
    """Add ``areas``, ``areas zones``, ``areas ignore`` and ``areas privacy``."""

    @registry.command("areas", right="view")
    def areas(server: Server, camera: Camera) -> Answer:
        """Show the zones, the ignored areas and the privacy masks of a camera, as polygons.

        A polygon is a list of corners, x,y as shares of the picture's width and height.
        """
        return _areas(server, camera)

    @registry.command("areas zones")
    def set_zones(server: Server, camera: Camera, polygons: list[str]) -> Answer:
        """Set the zones in which motion counts: areas zones CAMERA drive: 0,0.5 1,0.5 1,1; none.

        Polygons are separated by ';', each may begin with its name. With 'none' motion counts
        everywhere. They are in use at once, until the next start or after 'save' longer.
        """
        text = _given(polygons, "zones")
        server.channels[camera.name].motion.set_areas(zones=read_zones(text, "zones"))
        return _publish(server, camera, "zones")

    @registry.command("areas ignore")
    def set_ignored(server: Server, camera: Camera, polygons: list[str]) -> Answer:
        """Set the areas in which motion does not count: areas ignore CAMERA 0,0 1,0 1,0.2; none.

        Polygons are separated by ';'. They are in use at once, until the next start or after 'save'
        longer.
        """
        text = _given(polygons, "ignore")
        server.channels[camera.name].motion.set_areas(ignore=read_polygons(text, "ignore"))
        return _publish(server, camera, "ignore")

    @registry.command("areas privacy", right="admin")
    def set_privacy(server: Server, camera: Camera, polygons: list[str]) -> Answer:
        """Set the areas that are black in every picture: areas privacy CAMERA 0,0 1,0 1,0.2; none.

        Polygons are separated by ';'. The camera is opened again for it; viewers and a recording
        are kept. They stay until the next start or after 'save' longer.
        """
        text = _given(polygons, "privacy")
        server.channels[camera.name].hide(read_polygons(text, "privacy"))
        return _publish(server, camera, "privacy")


def _given(polygons: list[str], name: str) -> str:
    """Return the text of the polygons; empty for none.

    Raises:
        BadArgument: there is no text.
    """
    text = " ".join(polygons).strip()
    if not text:
        raise BadArgument(f"{name} needs polygons, such as 0,0.5 1,0.5 1,1, or '{NONE}'")
    return "" if text.lower() == NONE else text


def _areas(server: Server, camera: Camera) -> dict[str, str | None]:
    settings = server.channels[camera.name].motion.settings
    privacy = read_polygons(camera.spec.settings.get("privacy", ""), "privacy")
    return {
        "zones": zones_text(settings.zones) or None,
        "ignore": polygons_text(settings.ignore) or None,
        "privacy": polygons_text(privacy) or None,
    }


def _publish(server: Server, camera: Camera, name: str) -> Answer:
    """Tell all listeners the new value, and return it."""
    found = {name: _areas(server, camera)[name]}
    server.events.publish(PropertiesChanged(camera.name, found))
    return found
