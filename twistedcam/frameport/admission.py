"""What a client of the frame port is told first, and what it has to show to be let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IAddress

from twistedcam import __version__, wire
from twistedcam.errors import NoSuchCamera, UnknownCamera, VersionMismatch

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.server import Server


def hello(server: Server, nonce: str) -> wire.Hello:
    """The first message: which cameras there are, and whether a token is asked for."""
    cameras = tuple(
        {
            "name": camera.name,
            "state": camera.state,
            "width": camera.width,
            "height": camera.height,
            "fps": camera.granted.fps,
        }
        for camera in server.cameras.values()
    )
    name = f"twistedcam/{__version__}"
    return wire.Hello(name, cameras, server.authenticator.is_needed, nonce)


async def admit(server: Server, join: wire.Join, nonce: str, peer: IAddress) -> Camera:
    """The camera that who joins may have.

    Arguments:
        server: whose cameras and tokens these are.
        join: what the client has sent.
        nonce: what it was told in HELLO.
        peer: where it comes from.

    Raises:
        VersionMismatch, UnknownCamera: as they say.
        Unauthorized: its token is missing or wrong, or has not that right.
    """
    if join.protocol != wire.PROTOCOL:
        raise VersionMismatch(f"this server speaks version {wire.PROTOCOL}, not {join.protocol}")
    grant = await server.authenticator.by_mac(join.mac, join.role, nonce, peer)
    try:
        camera = server.first_or_named(join.camera)
    except NoSuchCamera as error:
        raise UnknownCamera(str(error)) from None
    grant.require("publish" if join.role == "publish" else "view", camera.name)
    return camera
