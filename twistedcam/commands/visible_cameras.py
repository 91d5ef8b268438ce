"""The cameras that a client may know of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twistedcam.auth import ANYONE, Grant
from twistedcam.errors import CameraNeeded, NoSuchCamera

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


@dataclass(frozen=True)
class RecordedCamera:
    """A camera of which there may be recordings, whether it is in the configuration or not.

    Arguments:
        name: its name; for a camera that is not in the configuration, the word of the client.
    """

    name: str


class VisibleCameras:
    """Finds cameras by name for a client whose token may be limited to some of them.

    Cameras that the token is not valid for are refused in the same way as cameras that do not
    exist, so that a client cannot find names by guessing.

    Arguments:
        server: the server.
        grant: the client's rights.
    """

    def __init__(self, server: Server, grant: Grant = ANYONE) -> None:
        self.server = server
        self._grant = grant

    def __contains__(self, word: str) -> bool:
        name = self.server.name_of(word)
        return name in self.server.channels and self._grant.covers(name)

    def has(self, name: str, is_recorded: bool) -> bool:
        """True if there is a camera of that name, or there may be recordings of one.

        Arguments:
            is_recorded: True if it need not be in the configuration any more.
        """
        return self._grant.covers(name) if is_recorded else name in self

    @property
    def own(self) -> list[Camera]:
        """The visible cameras of the configuration, without those that user code makes."""
        return [each for each in self.server.own_cameras if each.name in self]

    def get(self, name: str | None) -> Camera:
        """Return the camera of that name or URL-safe name; without a name, the only camera.

        Raises:
            Forbidden: the token is not valid for it, whether it exists or not.
            NoSuchCamera, CameraNeeded: there is no such camera, or there are several.
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
            raise NoSuchCamera(f"there is no camera {name!r} now; {self._valid_for()}") from None
        except CameraNeeded:
            raise CameraNeeded(f"say which camera: {', '.join(sorted(cameras))}") from None
        if name is None and not self._grant.covers(camera.name):
            raise CameraNeeded(f"say which camera: {self._valid_for()}")
        return camera

    def recorded(self, name: str | None) -> RecordedCamera:
        """Return a camera that may have been removed; without a name, the only camera.

        Raises:
            Forbidden: the token is not valid for it, whether it exists or not.
            CameraNeeded: there are several cameras.
        """
        if name is None:
            return RecordedCamera(self.get(None).name)
        name = self.server.name_of(name)
        self._grant.require_reach(name, "this")
        return RecordedCamera(name)

    def _valid_for(self) -> str:
        own = ", ".join(sorted(self._grant.cameras or ()))
        return f"the token {self._grant.name!r} is valid for {own or 'no camera'}"
