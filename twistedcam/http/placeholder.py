"""Pictures that say in words why there is no picture."""

from __future__ import annotations

import io
import textwrap
import time
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from twistedcam.frame import Frame

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.server import Server

#: The size, in pixels, where a camera has not said its own yet.
DEFAULT_SIZE = (640, 480)
#: Pictures to keep: a camera that comes and goes has the same few reasons again and again.
KEEP = 32

#: How much of the width a line may take; below how many units letters are so small that a name is
#: better written in two lines.
_ROOM = 0.94
_SMALL = 0.6

_Colour: TypeAlias = tuple[int, int, int]
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
        frame = Frame(0, time.time_ns() // 1000, width, height, jpeg)
        frame.share(state_shown, key[1])
        return frame


def state_shown(frame: Frame) -> str:
    """The camera's state that a placeholder stands for; for ``frame.shared``. Others show none."""
    return ""


def draw(name: str, state: str, reason: str, width: int, height: int) -> bytes:
    """The picture as a JPEG file."""
    image = Image.new("RGB", (width, height), _BACKGROUND)
    canvas = ImageDraw.Draw(image)
    unit = max(8.0, min(width / 26, height / 12))
    columns = max(12, int(width * 0.86 / (unit * 0.5)))
    title = _TITLES.get(state, state)
    lines = textwrap.wrap(reason, columns)[:4]
    middle = width / 2
    top = height / 2 - unit * (1.6 + 0.6 * len(lines))
    radius = unit * 0.42
    mark = _MARKS.get(state, _MARKS["recovering"])
    canvas.ellipse((middle - radius, top - radius, middle + radius, top + radius), fill=mark)
    y = top + unit * 1.9
    _write(canvas, y, title, _TITLE, unit * 1.5)
    for line in lines:
        y += unit * 1.4 if line is not lines[0] else unit * 1.9
        _write(canvas, y, line, _TEXT, unit * 0.9)
    y = height - unit * 1.1
    if _fitting(name, unit * 0.9, width) >= unit * _SMALL:
        _write(canvas, y, name, _TEXT, unit * 0.9)
    else:
        half = (len(name) + 1) // 2
        _write(canvas, y - unit * 0.4, name[:half], _TEXT, unit * 0.7)
        _write(canvas, y + unit * 0.4, name[half:], _TEXT, unit * 0.7)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def _write(canvas: ImageDraw.ImageDraw, y: float, text: str, colour: _Colour, size: float) -> None:
    """A line in the middle, in letters of that size, or smaller ones if it is too long."""
    width = canvas.im.size[0]
    font = ImageFont.load_default(_fitting(text, size, width))
    canvas.text((width / 2, y), text, colour, font, anchor="mm")


def _fitting(text: str, size: float, width: int) -> float:
    """That size of letters, or one in which the text is no wider than the picture."""
    room = width * _ROOM
    # Small letters stand on whole pixels: what is measured once does not hold for the next size.
    while size > 1.0 and (length := ImageFont.load_default(size).getlength(text)) > room:
        size = max(1.0, size * min(0.95, room / length))
    return size


def _size(camera: Camera) -> tuple[int, int]:
    if camera.width and camera.height:
        return camera.width, camera.height
    width, _, height = camera.spec.settings.get("size", "").partition("x")
    if width.isdigit() and height.isdigit() and 16 <= int(width) <= 8192:
        return int(width), max(16, min(8192, int(height)))
    return DEFAULT_SIZE
