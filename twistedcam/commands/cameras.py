"""The cameras that a token may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.auth import ANYONE, Grant
from twistedcam.errors import CameraNeeded, NoSuchCamera

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


class VisibleCameras:
    """Finds cameras by name for somebody who may know some of them only.

    A camera that there is and one that there is not are answered alike where the token is good
    for neither, so that nobody learns names by trying them.

    Arguments:
        server: whose cameras.
        grant: what the one who asks may do.
    """

    def __init__(self, server: Server, grant: Grant = ANYONE) -> None:
        self.server = server
        self._grant = grant

    def __contains__(self, word: str) -> bool:
        name = self.server.name_of(word)
        return name in self.server.channels and self._grant.covers(name)

    @property
    def own(self) -> list[Camera]:
        """Those that the configuration has, not those that user code makes."""
        return [each for each in self.server.own_cameras if each.name in self]

    def get(self, name: str | None) -> Camera:
        """The camera of that name, or URL-safe form of one; without a name the server's only one.

        Raises:
            Forbidden: the token is not valid for it, whether it is there or not.
            NoSuchCamera, CameraNeeded: as they say.
        """
        cameras = self._grant.cameras
        if cameras is None:
            return self.server.camera(name)
        if name is not None:
            name = self.server.name_of(name)
            self._grant.require_reach(name, "this")
        try:
            camera = self.server.camera(name)
        except NoSuchCamera:
            raise NoSuchCamera(f"there is no camera {name!r} now; {self._good_for()}") from None
        except CameraNeeded:
            raise CameraNeeded(f"say which camera: {', '.join(sorted(cameras))}") from None
        if name is None and not self._grant.covers(camera.name):
            raise CameraNeeded(f"say which camera: {self._good_for()}")
        return camera

    def _good_for(self) -> str:
        own = ", ".join(sorted(self._grant.cameras or ()))
        return f"the token {self._grant.name!r} is valid for {own or 'no camera'}"
