"""The newest picture, alone; or the next one, for who pulls one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.frame import Frame
from twistedcam.http.channel import HttpRequest
from twistedcam.http.reply import Reply
from twistedcam.http.router import query
from twistedcam.http.stream import first_or_named
from twistedcam.hub import Hub

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.server import Server

#: Seconds that ``?after=`` waits for a newer picture.
WAIT = 5.0


class Snapshots:
    """Answers ``/snapshot``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def get(self, request: HttpRequest, camera: str | None = None) -> Reply:
        """The newest frame.

        With ``?after=SEQ`` the first that is newer than that one; 204 if none comes in time.

        Raises:
            CameraFailed: there is none.
        """
        watched = first_or_named(self._server, camera)
        frame = watched.hub.newest
        after = _after(request)
        if frame is None:
            raise no_picture(watched)
        if after is not None and frame.seq == after:
            frame = await _next_frame(watched.hub, self._server.clock, WAIT)
            if frame is None:
                return Reply(type="image/jpeg", status=204)
        headers = {"X-Timestamp": f"{frame.time:.6f}", "X-Sequence": str(frame.seq)}
        return Reply(frame.jpeg, "image/jpeg", headers=headers)


def no_picture(camera: Camera) -> CameraFailed:
    """Why this camera has none, as an error."""
    because = f": {camera.reason}" if camera.reason else ""
    return CameraFailed(f"{camera.name} has no picture, it is {camera.state}{because}")


def _after(request: HttpRequest) -> int | None:
    word = query(request, "after")
    if word is None:
        return None
    if not word.isascii() or not word.isdigit() or len(word) > 19:
        raise BadArgument(f"after={word}: the number of a picture that you have already")
    return int(word)


class _NextFrame:
    """Waits for one frame (hub.Sink)."""

    def __init__(self) -> None:
        self.came: Deferred[Frame | None] = Deferred()

    def take(self, frame: Frame) -> None:
        if not self.came.called:
            self.came.callback(frame)


async def _next_frame(hub: Hub, clock: IReactorTime, seconds: float) -> Frame | None:
    waiting = _NextFrame()
    hub.add(waiting)
    try:
        return await waiting.came.addTimeout(seconds, clock, lambda *_: None)
    finally:
        hub.remove(waiting)
