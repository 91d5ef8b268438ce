"""The HELLO of the frame port, and the decision on a client's JOIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IAddress

from twistedcam import wire
from twistedcam.auth import Grant, Right
from twistedcam.errors import NoSuchCamera, UnknownCamera, VersionMismatch
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


def hello(server: Server, nonce: str) -> wire.Hello:
    """Return the HELLO. It lists the cameras only if no token is needed."""
    needs_token = server.authenticator.is_needed
    cameras = (
        ()
        if needs_token
        else tuple(
            {
                "name": camera.name,
                "state": camera.state,
                "width": camera.width,
                "height": camera.height,
                "fps": camera.source_info.fps,
            }
            for camera in server.cameras.values()
        )
    )
    name = f"twistedcam/{__version__}"
    return wire.Hello(name, cameras, needs_token, nonce, codecs=(*wire.CODECS, *wire.SOUND_CODECS))


async def admit(
    server: Server, join: wire.Join, nonce: str, peer: IAddress
) -> tuple[Camera, Grant]:
    """Return the camera that a JOIN requests, and the rights of its token.

    Arguments:
        server: the server of the cameras.
        join: the client's JOIN.
        nonce: the nonce of the HELLO.
        peer: the client's address.

    Raises:
        VersionMismatch: the client's protocol has another version.
        UnknownCamera: there is no camera of that name.
        Unauthorized: its token is missing or wrong, or does not have that right.
    """
    if join.protocol != wire.PROTOCOL:
        raise VersionMismatch(f"this server speaks version {wire.PROTOCOL}, not {join.protocol}")
    grant = await server.authenticator.by_mac(join.mac, join.role, nonce, peer)
    first = next(iter(server.channels), None)
    asked = first if join.camera is None else server.name_of(join.camera)
    if join.camera is None and not grant.covers(asked):
        grant.require_reach(None, "a JOIN without a camera's name")
    # The right first: a camera that the token is not valid for and one that there is not are alike.
    grant.require(right_of(join), asked)
    try:
        return server.first_or_named(join.camera), grant
    except NoSuchCamera as error:
        raise UnknownCamera(str(grant.only_own_names(error))) from None


def right_of(join: wire.Join) -> Right:
    """Return the right that a JOIN needs: ``listen`` for sound alone."""
    if join.role == "publish":
        return "publish"
    known = [each for each in join.codecs if each in wire.CODECS or each in wire.SOUND_CODECS]
    is_sound = bool(known) and all(each in wire.SOUND_CODECS for each in known)
    return "listen" if is_sound else "view"
