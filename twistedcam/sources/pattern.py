"""A moving test pattern whose frames can be identified."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twistedcam.errors import BadArgument
from twistedcam.media import barcode
from twistedcam.sources.base import RawPicture, SourceInfo
from twistedcam.sources.pace import Ticker
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.util.libraries import cv2, np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_SIZE = (640, 480)
DEFAULT_FPS = 30.0

#: EBU colour bars at 75 %, from left to right, in BGR.
COLOUR_BARS = (
    (191, 191, 191),
    (0, 191, 191),
    (191, 191, 0),
    (0, 191, 0),
    (191, 0, 191),
    (0, 0, 191),
    (191, 0, 0),
)
#: The smallest size that has room for the barcode and the clock.
MIN_SIZE = (barcode.MIN_WIDTH, 90)
_WHITE = (255, 255, 255)
_PANEL = (32, 28, 24)
_BALL = (60, 180, 255)


class PatternSource:
    """Draws colour bars, a moving ball, frame number, clock, and a barcode of number and time.

    Arguments:
        size: (width, height) in pixels.
        fps: frames per second.
    """

    def __init__(self, size: tuple[int, int] = DEFAULT_SIZE, fps: float = DEFAULT_FPS) -> None:
        self.size = size
        self.fps = fps
        self._number = 0
        self._ticker: Ticker | None = None
        self._background: NDArray[np.uint8] | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> PatternSource:
        """Return the source for ``pattern:?size=640x480&fps=30``."""
        if spec.target:
            raise BadArgument("pattern: takes settings only, as in pattern:?fps=10")
        size = settings.size(default=DEFAULT_SIZE) or DEFAULT_SIZE
        if size[0] < MIN_SIZE[0] or size[1] < MIN_SIZE[1]:
            least = "at least {}x{}".format(*MIN_SIZE)
            raise settings.bad("size", f"{size[0]}x{size[1]}", least)
        return cls(size, settings.number("fps", 0.01, 1000, DEFAULT_FPS) or DEFAULT_FPS)

    def open(self) -> SourceInfo:
        """Draw the background."""
        self._ticker = Ticker(self.fps)
        self._background = self._draw_background()
        width, height = self.size
        return SourceInfo(width, height, self.fps, "pattern", "test picture")

    def read(self) -> RawPicture | None:
        """Wait until the next picture is due, and draw it."""
        assert self._ticker is not None and self._background is not None, "not open"
        if not self._ticker.wait():
            return None
        now = time.time()
        self._number += 1
        return RawPicture(now, image=self._draw(now))

    def interrupt(self) -> None:
        """Interrupt a read."""
        self.close()

    def close(self) -> None:
        """Stop waiting."""
        if self._ticker is not None:
            self._ticker.stop()

    def _draw_background(self) -> NDArray[np.uint8]:
        width, height = self.size
        image = np.zeros((height, width, 3), np.uint8)
        edges = np.linspace(0, width, len(COLOUR_BARS) + 1).astype(int)
        for bar, left, right in zip(COLOUR_BARS, edges[:-1], edges[1:], strict=True):
            image[:, left:right] = bar
        image[height * 3 // 4 :] = np.linspace(16, 235, width).astype(np.uint8)[None, :, None]
        return image

    def _draw(self, now: float) -> NDArray[np.uint8]:
        assert self._background is not None
        image = self._background.copy()
        width, height = self.size
        top = barcode.height(width)
        radius = max(6, height // 16)
        # A triangle wave: the ball crosses the picture in three seconds at any rate.
        phase = (now % 6.0) / 3.0
        across = phase if phase <= 1 else 2 - phase
        at = (int(radius + across * (width - 2 * radius)), top + (height - top) * 5 // 16)
        cv2.circle(image, at, radius, _BALL, -1, cv2.LINE_AA)
        scale = max(0.4, width / 800)
        clock = datetime.fromtimestamp(now).strftime("%H:%M:%S.%f")[:-3]
        self._label(image, f"{clock}   frame {self._number}", scale)
        barcode.draw(image, barcode.Stamp(self._number, round(now * 1e6)))
        return image

    def _label(self, image: NDArray[np.uint8], text: str, scale: float) -> None:
        width, height = self.size
        font = cv2.FONT_HERSHEY_SIMPLEX
        (text_width, text_height), _ = cv2.getTextSize(text, font, scale, 1)
        left, bottom = (width - text_width) // 2, height - height // 10
        corner: Any = (left - text_height, bottom - text_height * 2)
        cv2.rectangle(
            image, corner, (left + text_width + text_height, bottom + text_height), _PANEL, -1
        )
        cv2.putText(image, text, (left, bottom), font, scale, _WHITE, 1, cv2.LINE_AA)
