"""A canvas for pictures: scaled, dimmed, with text, side by side. Images are uint8, BGR."""

from __future__ import annotations

import math
import re
import textwrap
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Size = tuple[int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE = (245, 245, 245)
_GREY = (176, 176, 176)
_BACKGROUND = 24
_DIMMED = 0.3


def fit(source: Size, room: Size) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a picture of size ``source`` in ``room``.

    It is centred and as large as its aspect ratio allows. Sizes are (width, height) in pixels.
    """
    scale = min(room[0] / source[0], room[1] / source[1])
    width = max(1, min(room[0], round(source[0] * scale)))
    height = max(1, min(room[1], round(source[1] * scale)))
    return (room[0] - width) // 2, (room[1] - height) // 2, width, height


def cells(count: int, room: Size) -> list[tuple[int, int, int, int]]:
    """Return left, top, width and height of each of ``count`` cells in ``room``."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    across = [room[0] * each // columns for each in range(columns + 1)]
    down = [room[1] * each // rows for each in range(rows + 1)]
    return [
        (
            across[index % columns],
            down[index // columns],
            across[index % columns + 1] - across[index % columns],
            down[index // columns + 1] - down[index // columns],
        )
        for index in range(count)
    ]


def blank(size: Size) -> Image:
    """Make an empty canvas."""
    return np.full((max(1, size[1]), max(1, size[0]), 3), _BACKGROUND, np.uint8)


def clear(canvas: Image) -> None:
    """Clear the canvas."""
    canvas[...] = _BACKGROUND


def place(canvas: Image, picture: Image) -> None:
    """Draw a picture in the middle of the canvas, scaled without distortion."""
    height, width = canvas.shape[:2]
    left, top, new_width, new_height = fit((picture.shape[1], picture.shape[0]), (width, height))
    area = canvas[top : top + new_height, left : left + new_width]
    if picture.shape == area.shape:
        area[...] = picture
        return
    much_smaller = new_width * 2 <= picture.shape[1]  # linear then leaves pixels out
    how = cv2.INTER_AREA if much_smaller else cv2.INTER_LINEAR
    cv2.resize(picture, (new_width, new_height), dst=area, interpolation=how)


def dim(canvas: Image) -> None:
    """Darken everything, to show that the picture is not live."""
    canvas[...] = (canvas * _DIMMED).astype(np.uint8)


def announce(canvas: Image, title: str, detail: str | None) -> None:
    """Draw a line of text in the middle and a smaller text below it."""
    height, width = canvas.shape[:2]
    scale = max(0.45, min(width / 640, height / 360) * 0.9)
    _centred(canvas, title, height // 2, scale, _WHITE)
    if detail:
        small = scale * 0.55
        em = cv2.getTextSize("n", _FONT, small, 1)[0][0]
        step = round(38 * small)
        for row, line in enumerate(textwrap.wrap(detail, max(12, int(width * 0.9 / em)))[:4], 1):
            _centred(canvas, line, height // 2 + round(14 * scale) + row * step, small, _GREY)


def note_below(canvas: Image, text: str) -> None:
    """Draw a text in the lower left corner on a dark background, in lines that are not too wide.

    Where the text has groups of words with two spaces between them, a line ends between two groups.
    """
    height, width = canvas.shape[:2]
    scale, step = _note_scale(width)
    lines: list[str] = []
    for part in re.split(r"\s{2,}" if "  " in text else r"\s+", text):
        longer = f"{lines[-1]}{'  ' if '  ' in text else ' '}{part}" if lines else part
        if lines and cv2.getTextSize(longer, _FONT, scale, 1)[0][0] <= width - step:
            lines[-1] = longer
        else:
            lines.append(part)
    note(canvas[max(0, height - step * len(lines) - step // 2) :], lines)


def _note_scale(width: int) -> tuple[float, int]:
    """Return the scale of notes and the height of a line for a canvas of that width."""
    scale = max(0.4, min(0.7, width / 1400))
    return scale, round(34 * scale)


def note(canvas: Image, lines: list[str]) -> None:
    """Draw lines of text in the upper left corner on a dark background. Long lines are cut."""
    height, width = canvas.shape[:2]
    scale, step = _note_scale(width)
    lines = [_cut(line, scale, width - step) for line in lines]
    longest = max((cv2.getTextSize(line, _FONT, scale, 1)[0][0] for line in lines), default=0)
    right, bottom = min(width, longest + step), min(height, step * len(lines) + step // 2)
    ground = canvas[:bottom, :right]
    ground[...] = (ground * 0.45).astype(np.uint8)
    for row, line in enumerate(lines, 1):
        _write(canvas, line, (step // 2, row * step), scale, _WHITE)


def _cut(line: str, scale: float, room: int) -> str:
    """Return the part of a line that fits into ``room`` pixels, with dots if it is cut."""
    width = cv2.getTextSize(line, _FONT, scale, 1)[0][0]
    if width <= room:
        return line
    return line[: max(1, len(line) * room // width - 3)] + "..."


def _centred(canvas: Image, text: str, bottom: int, scale: float, colour: Any) -> None:
    width = canvas.shape[1]
    text_width = cv2.getTextSize(text, _FONT, scale, 1)[0][0]
    if text_width > width * 0.96:
        scale *= width * 0.96 / text_width
        text_width = cv2.getTextSize(text, _FONT, scale, 1)[0][0]
    _write(canvas, text, ((width - text_width) // 2, bottom), scale, colour)


def _write(canvas: Image, text: str, at: tuple[int, int], scale: float, colour: Any) -> None:
    plain = text.encode("ascii", "replace").decode()  # Hershey fonts have no other characters
    thickness = 2 if scale > 1.2 else 1
    cv2.putText(canvas, plain, at, _FONT, scale, colour, thickness, cv2.LINE_AA)
