"""Pictures that say in words why there is no picture."""

from __future__ import annotations

import io
import textwrap
import time
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from twistedcam.frame import Frame

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.server import Server

#: The size, in pixels, where a camera has not said its own yet.
DEFAULT_SIZE = (640, 480)
#: Pictures to keep: a camera that comes and goes has the same few reasons again and again.
KEEP = 32

_BACKGROUND = (24, 27, 32)
_TITLE = (236, 238, 241)
_TEXT = (160, 167, 178)
_MARKS = {
    "stopped": (120, 128, 140),
    "starting": (84, 160, 255),
    "recovering": (240, 170, 60),
    "live": (240, 170, 60),
}
_TITLES = {
    "stopped": "Camera stopped",
    "starting": "Camera is starting",
    "idle": "Camera is waking up",
    "recovering": "No picture, trying again",
    "live": "Waiting for a picture",
}


class Placeholders:
    """Draws them, on a thread of its own, and keeps those that were drawn.

    Arguments:
        server: whose threads to use.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._drawn: dict[tuple[str, str, str, int, int], bytes] = {}

    async def of(self, camera: Camera) -> Frame:
        """A frame that says why this camera gives none, in the camera's own size."""
        width, height = _size(camera)
        key = (camera.name, camera.state, camera.reason or "", width, height)
        jpeg = self._drawn.get(key)
        if jpeg is None:
            thread = self._server.make_thread()
            try:
                jpeg = await thread.run(lambda: draw(*key))
            finally:
                thread.end()
            while len(self._drawn) >= KEEP:
                self._drawn.pop(next(iter(self._drawn)))
            self._drawn[key] = jpeg
        return Frame(0, time.time_ns() // 1000, width, height, jpeg)


def draw(name: str, state: str, reason: str, width: int, height: int) -> bytes:
    """The picture as a JPEG file."""
    image = Image.new("RGB", (width, height), _BACKGROUND)
    canvas = ImageDraw.Draw(image)
    unit = max(8.0, min(width / 26, height / 12))
    title_font, font = (ImageFont.load_default(size) for size in (unit * 1.5, unit * 0.9))
    columns = max(12, int(width * 0.86 / (unit * 0.5)))
    title = _TITLES.get(state, state)
    lines = textwrap.wrap(reason, columns)[:4]
    middle = width / 2
    top = height / 2 - unit * (1.6 + 0.6 * len(lines))
    radius = unit * 0.42
    mark = _MARKS.get(state, _MARKS["recovering"])
    canvas.ellipse((middle - radius, top - radius, middle + radius, top + radius), fill=mark)
    y = top + unit * 1.9
    canvas.text((middle, y), title, _TITLE, title_font, anchor="mm")
    for line in lines:
        y += unit * 1.4 if line is not lines[0] else unit * 1.9
        canvas.text((middle, y), line, _TEXT, font, anchor="mm")
    canvas.text((middle, height - unit * 1.1), name, _TEXT, font, anchor="mm")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def _size(camera: Camera) -> tuple[int, int]:
    if camera.width and camera.height:
        return camera.width, camera.height
    width, _, height = camera.spec.settings.get("size", "").partition("x")
    if width.isdigit() and height.isdigit() and 16 <= int(width) <= 8192:
        return int(width), max(16, min(8192, int(height)))
    return DEFAULT_SIZE
