"""Sources that are tried before they are cameras: each stays open while its pictures are wanted."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, DeferredList, TimeoutError

from twistedcam.camera import Camera
from twistedcam.camera.notifier import KEEPS_TRYING
from twistedcam.errors import CameraFailed, NoSuchCamera, TooMany
from twistedcam.events import EventBus
from twistedcam.media.frame import Frame
from twistedcam.runtime.timer import Timer
from twistedcam.sources.spec import SourceSpec

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Seconds after which a source that is tried has given no picture.
PROBE_TIMEOUT = 12.0
#: Seconds without a request after which a source is closed.
IDLE = 6.0
#: The most sources that are open at once.
MAX_OPEN = 6


class Preview:
    """A source that is open.

    Arguments:
        id: its name in addresses.
        camera: reads the source; it is no camera of the server.
    """

    def __init__(self, id: str, camera: Camera, timer: Timer) -> None:
        self.id = id
        self.camera = camera
        self.timer = timer


class Previews:
    """Opens sources, and closes those whose pictures nobody wants any more."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._open: dict[str, Preview] = {}
        self._opening = 0

    async def open(self, spec: SourceSpec) -> dict[str, Any]:
        """Open a source; return its ``id`` and what it gives, once there is a picture.

        Raises:
            CameraFailed: it gives no picture; the message has the reason.
            TooMany: too many are open.
        """
        if len(self._open) + self._opening >= MAX_OPEN:
            raise TooMany("too many sources are open to be tried: wait some seconds")
        server = self._server
        camera = Camera("new", spec, EventBus(), server.clock, server.make_thread)
        self._opening += 1
        try:
            picture = await first_picture(camera, server)
        except BaseException:
            await camera.stop()
            raise
        finally:
            self._opening -= 1
        preview = Preview(secrets.token_urlsafe(12), camera, Timer(server.clock))
        self._open[preview.id] = preview
        self._keep(preview)
        return {"id": preview.id, **described(camera, picture)}

    async def picture(self, id: str) -> Frame:
        """Return the newest picture of a source that is open.

        Raises:
            NoSuchCamera: it is not open any more.
            CameraFailed: it gives no picture now.
        """
        preview = self._open.get(id)
        if preview is None:
            raise NoSuchCamera("this preview has ended")
        self._keep(preview)
        return await preview.camera.picture()

    async def close(self, id: str | None = None) -> None:
        """Close a source, or all of them; their devices are free then."""
        found = [each for each in self._open.values() if id in (None, each.id)]
        await DeferredList([self._close(each) for each in found])

    def _keep(self, preview: Preview) -> None:
        preview.timer.cancel()
        preview.timer.start(IDLE, lambda: self._close(preview))

    def _close(self, preview: Preview) -> Deferred[None]:
        preview.timer.cancel()
        self._open.pop(preview.id, None)
        return preview.camera.stop()


async def first_picture(camera: Camera, server: Server) -> Frame:
    """Start a camera and return its first picture.

    Raises:
        CameraFailed: there is none in time; the message has the reason.
    """
    try:
        starting = Deferred.fromCoroutine(_started(camera))
        return await starting.addTimeout(PROBE_TIMEOUT, server.clock)
    except CameraFailed as error:
        raise CameraFailed(str(error).removesuffix(KEEPS_TRYING)) from None
    except TimeoutError:
        reason = camera.reason or "it has not answered"
        raise CameraFailed(f"no picture within {PROBE_TIMEOUT:g} s: {reason}") from None


def described(camera: Camera, picture: Frame) -> dict[str, Any]:
    """Return what a source gives: ``source``, ``width``, ``height``, ``format`` and ``fps``."""
    return {
        "source": camera.spec.shown,
        "width": picture.width,
        "height": picture.height,
        "format": camera.source_info.format,
        "fps": camera.source_info.fps,
    }


async def _started(camera: Camera) -> Frame:
    await camera.start()
    return await camera.picture()
