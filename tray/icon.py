"""The icon: a camera whose shape shows the state, drawn for the size of the panel.

Each state has its own shape: an outline or filled body, and a sign. Colours only repeat it.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from tray.state import Look

#: Drawn this many times larger and then reduced, for smooth edges.
FINE = 8
#: Usual sizes of panels in pixels. Others work too.
SIZES = (16, 22, 24, 32, 48)

Colour = tuple[int, int, int, int]
WHITE: Colour = (255, 255, 255, 255)
EDGE: Colour = (28, 32, 38, 255)
PALE: Colour = (206, 210, 214, 255)
BLUE: Colour = (46, 128, 220, 255)
RED: Colour = (222, 20, 32, 255)
AMBER: Colour = (250, 180, 20, 255)

#: Body and sign of each look.
BODIES: dict[Look, Colour] = {
    "away": PALE,
    "stopped": PALE,
    "starting": BLUE,
    "live": BLUE,
    "recording": WHITE,
    "recovering": AMBER,
}


def draw(look: Look, size: int) -> Image.Image:
    """Draw the icon for a state.

    Arguments:
        look: the state.
        size: width and height in pixels.

    Returns:
        A new (size, size) RGBA image; its ``info["name"]`` is the state.
    """
    image = Image.new("RGBA", (size * FINE, size * FINE))
    pen = _Pen(ImageDraw.Draw(image), size * FINE / 16)
    body = BODIES[look]
    pen.polygon(((10.5, 8), (15.7, 4), (15.7, 12)), EDGE)
    pen.polygon(((11.9, 8), (14.7, 5.9), (14.7, 10.1)), body)
    pen.box((0, 1.5, 12.6, 14.5), 2.4, EDGE)
    pen.box((1, 2.5, 11.6, 13.5), 1.6, body)
    _SIGNS[look](pen)
    small = image.resize((size, size), Image.Resampling.BOX)
    small.info["name"] = look
    return small


class _Pen:
    """Draws in sixteenths of the icon's size."""

    def __init__(self, image: ImageDraw.ImageDraw, unit: float) -> None:
        self._draw = image
        self._unit = unit

    def box(self, corners: tuple[float, ...], radius: float, fill: Colour) -> None:
        left, top, right, bottom = (each * self._unit for each in corners)
        self._draw.rounded_rectangle(
            (left, top, right - 1, bottom - 1), radius * self._unit, fill=fill
        )

    def disc(self, x: float, y: float, radius: float, fill: Colour) -> None:
        self.box((x - radius, y - radius, x + radius, y + radius), radius, fill)

    def polygon(self, points: tuple[tuple[float, float], ...], fill: Colour) -> None:
        self._draw.polygon([(x * self._unit, y * self._unit) for x, y in points], fill=fill)

    def stroke(self, points: tuple[tuple[float, float], ...], width: float, fill: Colour) -> None:
        scaled = [(x * self._unit, y * self._unit) for x, y in points]
        self._draw.line(scaled, fill=fill, width=round(width * self._unit))


def _live(pen: _Pen) -> None:
    pen.polygon(((4, 4), (10, 8), (4, 12)), WHITE)


def _recording(pen: _Pen) -> None:
    pen.disc(6.3, 8, 4.2, RED)


def _recovering(pen: _Pen) -> None:
    pen.box((5.2, 3.5, 7.4, 9.3), 0.6, EDGE)
    pen.box((5.2, 10.4, 7.4, 12.5), 0.6, EDGE)


def _starting(pen: _Pen) -> None:
    for x in (3.2, 6.3, 9.4):
        pen.disc(x, 8, 1.2, WHITE)


def _stopped(pen: _Pen) -> None:
    pen.box((3.6, 5.2, 9.2, 10.8), 0.4, EDGE)


def _away(pen: _Pen) -> None:
    pen.stroke(((-1, 17), (17, -1)), 4.6, (0, 0, 0, 0))
    pen.stroke(((0.6, 15.4), (15.4, 0.6)), 3, PALE)
    pen.stroke(((1, 15), (15, 1)), 1.4, EDGE)


_SIGNS = {
    "live": _live,
    "recording": _recording,
    "recovering": _recovering,
    "starting": _starting,
    "stopped": _stopped,
    "away": _away,
}
