"""Snapshots: the newest frame of a camera, or the next one for clients that poll."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from twistedcam.camera import Camera
from twistedcam.camera.on_demand import next_frame
from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.media.frame import Frame
from twistedcam.net.addresses import source_of
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest, query, requested_camera
from twistedcam.servers.http.streams.polling_viewers import PollingViewers

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Seconds that ``?after=`` and ``?fresh=`` wait for a newer frame.
WAIT = 5.0
#: Frames that are between the camera and a viewer at most.
_ON_THEIR_WAY = 3


class Snapshots:
    """Answers ``/snapshot``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._polling = PollingViewers(server)

    async def get(self, request: HttpRequest, camera: str | None = None) -> Reply:
        """Return the newest frame as JPEG.

        ``?after=SEQ`` waits for a frame newer than that one; the reply is 204 if none comes in
        time. ``?fresh=1`` waits for a frame that was captured after the request, also while the
        camera is opened; 503 if none comes in time. ``?viewer=WORD`` lists the client as a viewer;
        a viewer that was kicked gets 403.

        Raises:
            CameraFailed: there is no frame.
            TooOften: the address has requested too many snapshots.
        """
        watched = self._server.first_or_named(requested_camera(request, self._server, camera))
        after = _after(request)
        self._server.snapshots.acquire(source_of(request.getClientAddress()))
        is_fresh = query(request, "fresh") not in (None, "", "0")
        frame = await (self._fresh(watched) if is_fresh else watched.picture())
        if after is not None and frame.seq == after:
            newer = await next_frame(watched.hub, self._server.clock, WAIT)
            if newer is None:
                return Reply(type="image/jpeg", status=204)
            frame = newer
        viewer = query(request, "viewer")
        if viewer is not None:
            host = getattr(request.getClientAddress(), "host", "unix")
            if not self._polling.count_frame(host, viewer[:64], watched, frame):
                return json_reply({"code": "forbidden", "message": "ended by a controller"}, 403)
        headers = {"X-Timestamp": f"{frame.time:.6f}", "X-Sequence": str(frame.seq)}
        return Reply(frame.jpeg, "image/jpeg", headers=headers)

    async def _fresh(self, camera: Camera) -> Frame:
        """Return a frame that was captured from now on.

        Raises:
            CameraFailed: none comes in time.
        """
        if camera.state == "stopped" and not camera.is_idle:
            return await camera.picture()
        clock, asked = self._server.clock, time.time()
        until = clock.seconds() + WAIT
        frame: Frame | None = None
        # A frame on its way was captured before. The clock of another computer may be slow.
        for _ in range(_ON_THEIR_WAY + 1):
            frame = await next_frame(camera.hub, clock, until - clock.seconds())
            if frame is None:
                raise CameraFailed(f"{camera.name} has no new picture, it is {camera.state}")
            if frame.time >= asked:
                break
        assert frame is not None
        return frame


def _after(request: HttpRequest) -> int | None:
    text = query(request, "after")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise BadArgument(f"after={text}: must be the sequence number of a frame")
    return int(text)
