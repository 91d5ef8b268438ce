"""Placeholders: pictures whose text says why a camera gives no picture."""

from __future__ import annotations

import io
import re
import textwrap
import time
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twistedcam.media import jpeg as jpeg_limits
from twistedcam.media.frame import Frame
from twistedcam.sources.pattern import COLOUR_BARS
from twistedcam.util.camera_name import ascii_title
from twistedcam.util.libraries import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.runtime.threads import Thread

#: The size in pixels while the size of the camera is not known.
DEFAULT_SIZE = (640, 480)
#: Most pixels of a placeholder: drawing one of 100 million pixels would take 300 MB.
MAX_PIXELS = 3840 * 2160
#: Placeholders to cache: a camera that fails repeatedly has few different reasons.
KEEP = 32

#: Most pixels on a side: the JPEG header has 16 bits for each.
_MAX_SIDE = 65535
#: Most characters of a reason; four lines are shown.
_LONGEST_REASON = 500
_NUMBER = re.compile("[0-9]{1,5}")

#: The part of the width that a line may take, and the font size, in units, below which a name is
#: written in two lines.
_LINE_WIDTH = 0.94
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
    "recovering": "No picture, trying again",
    "live": "Waiting for a picture",
}


class Placeholders:
    """Draws placeholders in one thread, one at a time for each camera, and caches them.

    All viewers of a camera wait for the same drawing. The thread exists only while it is needed.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cache: dict[_Key, bytes] = {}
        #: For each camera whose placeholder is being drawn, what waits for it.
        self._waiting: dict[str, list[Deferred[None]]] = {}
        self._thread: Thread | None = None

    async def frame(self, camera: Camera) -> Frame:
        """Return a frame in the camera's size that says why it gives no picture.

        It shows the state of the camera at the time when the drawing is ready.
        """
        while (jpeg := self._cache.get(key := _key(camera))) is None:
            done: Deferred[None] = Deferred()
            if key.name in self._waiting:
                self._waiting[key.name].append(done)
            else:
                self._waiting[key.name] = [done]
                self._draw(key)
            await done
        frame = Frame(0, time.time_ns() // 1000, key.width, key.height, jpeg)
        frame.share(state_shown, key.state)
        return frame

    def _draw(self, key: _Key) -> None:
        if self._thread is None:
            self._thread = self._server.make_thread()
        self._thread.run(lambda: draw(*key)).addBoth(self._on_drawn, key)

    def _on_drawn(self, result: bytes | Failure, key: _Key) -> None:
        waiting = self._waiting.pop(key.name)
        if isinstance(result, bytes):
            while len(self._cache) >= KEEP:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = result
        for done in waiting:
            if isinstance(result, Failure):
                done.errback(result)
            else:
                done.callback(None)
        if not self._waiting and self._thread is not None:
            self._thread.end()
            self._thread = None


class _Key(NamedTuple):
    """The contents of a placeholder: the arguments of ``draw``."""

    name: str
    state: str
    reason: str
    width: int
    height: int
    is_test_picture: bool


def _key(camera: Camera) -> _Key:
    reason = (camera.reason or "")[:_LONGEST_REASON]
    is_test_picture = camera.spec.scheme == "auto" and camera.state == "recovering"
    shown = ascii_title(camera.name, camera.title)
    return _Key(shown, camera.state, reason, *_size(camera), is_test_picture)


def state_shown(frame: Frame) -> str:
    """Return the state that a placeholder shows, for ``frame.shared``; nothing for other frames."""
    return ""


def draw(
    name: str, state: str, reason: str, width: int, height: int, is_test_picture: bool = False
) -> bytes:
    """Draw a placeholder and return it as JPEG.

    Arguments:
        name: the camera.
        state: its state.
        reason: the reason for the state, or nothing.
        width, height: pixels.
        is_test_picture: True to draw colour bars behind the text.
    """
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
    if is_test_picture:
        text = (top - unit, top + unit * (3.0 + 1.9 * bool(lines) + 1.4 * max(0, len(lines) - 1)))
        _draw_bars(canvas, height - unit * 2.2, text)
    canvas.ellipse((middle - radius, top - radius, middle + radius, top + radius), fill=mark)
    y = top + unit * 1.9
    _write(canvas, y, title, _TITLE, unit * 1.5)
    for line in lines:
        y += unit * 1.4 if line is not lines[0] else unit * 1.9
        _write(canvas, y, line, _TEXT, unit * 0.9)
    y = height - unit * 1.1
    if _font_size(name, unit * 0.9, width) >= unit * _SMALL:
        _write(canvas, y, name, _TEXT, unit * 0.9)
    else:
        half = (len(name) + 1) // 2
        _write(canvas, y - unit * 0.4, name[:half], _TEXT, unit * 0.7)
        _write(canvas, y + unit * 0.4, name[half:], _TEXT, unit * 0.7)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def _draw_bars(canvas: ImageDraw.ImageDraw, height: float, text: tuple[float, float]) -> None:
    """Draw colour bars down to the row ``height``; the rows between ``text`` stay free."""
    width = canvas.im.size[0]
    edges = [width * each // len(COLOUR_BARS) for each in range(len(COLOUR_BARS) + 1)]
    for (blue, green, red), left, right in zip(COLOUR_BARS, edges, edges[1:], strict=False):
        canvas.rectangle((left, 0, max(left, right - 1), height), fill=(red, green, blue))
    canvas.rectangle((0, text[0], width, text[1]), fill=_BACKGROUND)


def _write(canvas: ImageDraw.ImageDraw, y: float, text: str, colour: _Colour, size: float) -> None:
    """Draw a centred line of text, in a smaller font if it is too long."""
    width = canvas.im.size[0]
    font = ImageFont.load_default(_font_size(text, size, width))
    canvas.text((width / 2, y), text, colour, font, anchor="mm")


def _font_size(text: str, size: float, width: int) -> float:
    """Return the font size, or a smaller one in which the text fits into the width."""
    room = width * _LINE_WIDTH
    # Small fonts are rounded to whole pixels, so the length must be measured again for each size.
    while size > 1.0 and (length := ImageFont.load_default(size).getlength(text)) > room:
        size = max(1.0, size * min(0.95, room / length))
    return size


def _size(camera: Camera) -> tuple[int, int]:
    width, height = camera.width, camera.height
    if not width or not height:
        asked = camera.spec.settings.get("size", "").split("x")
        if len(asked) == 2 and all(_NUMBER.fullmatch(side) for side in asked):
            width, height = int(asked[0]), int(asked[1])
    return placeholder_size(width, height)


def placeholder_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the placeholder for a camera of that size, in pixels.

    It has at most ``MAX_PIXELS``, in the same shape. A size that no picture can have, which may
    come from another server, gives ``DEFAULT_SIZE``.
    """
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        return DEFAULT_SIZE
    if width * height > jpeg_limits.MAX_PIXELS:
        return DEFAULT_SIZE
    scale = min(1.0, (MAX_PIXELS / (width * height)) ** 0.5)
    return max(1, int(width * scale)), max(1, int(height * scale))
