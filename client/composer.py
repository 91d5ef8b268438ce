"""Draws all views and their texts into one picture."""

from __future__ import annotations

import math

from client import canvas
from client.actions import KeyActions
from client.canvas import Image, Size
from client.views import View


class Composer:
    """Draws all views into one picture. Keeps the canvas, because new memory costs more time."""

    def __init__(self) -> None:
        self._canvas = canvas.blank((1, 1))

    def compose(self, views: list[View], actions: KeyActions, size: Size) -> Image:
        """Return all views on a canvas of (width, height) pixels. The next call overwrites it."""
        if len(views) == 1 and not actions.message and _is_plain(views[0], actions, size):
            picture = _decoded(views[0])
            if picture is not None:
                return picture
        if self._canvas.shape[1::-1] != size:
            self._canvas = canvas.blank(size)
        whole = self._canvas
        places = canvas.cells(len(views), size)
        if len(views) > 1:  # the last row may have cells without a view
            canvas.clear(whole)
        for view, (left, top, width, height) in zip(views, places, strict=True):
            cell = whole[top : top + height, left : left + width]
            if cell.size:
                canvas.clear(cell)
                _paint(cell, view, actions.show_figures)
        if actions.message:
            canvas.note_below(whole, actions.message)
        return whole


def _is_plain(view: View, actions: KeyActions, size: Size) -> bool:
    """True if there is no text to draw on the picture."""
    frame = view.frame
    quiet = view.state == "live" and view.recorder is None and not actions.show_figures
    return quiet and frame is not None and (frame.width, frame.height) == size


def _paint(cell: Image, view: View, figures: bool) -> None:
    picture = _decoded(view)
    if picture is not None:
        canvas.place(cell, picture)
    if view.state != "live":
        canvas.dim(cell)
        canvas.announce(cell, f"{view.written}: {view.state}", view.reason)
    lines = figure_lines(view) if figures else []
    if figures and view.is_muted:
        lines.append("muted")
    if view.recorder is not None:
        result = view.recorder.result
        lines.append(f"REC {result.seconds:.1f} s  {view.recorder.path.name}")
    if lines:
        canvas.note(cell, lines)


def figure_lines(view: View) -> list[str]:
    """Return the lines of the overlay."""
    figures = view.figures()
    age = "-" if figures.age_ms is None else f"{figures.age_ms:.0f} ms"
    worst = "" if figures.age_p99_ms is None else f"  p99 {figures.age_p99_ms:.0f} ms"
    lines = [
        f"{view.written}  {figures.state}",
        f"{figures.fps:.1f} fps  {figures.kbit_s / 1000:.1f} Mbit/s",
        f"age {age}{worst}",
        f"missed {figures.missed}",
    ]
    if figures.clocks_disagree:
        lines.append(figures.clock_note)
    return lines


def title(views: list[View]) -> str:
    """Return the window's title: camera, state, frames per second."""
    words = []
    for view in views:
        figures = view.figures()
        fps = f" {figures.fps:.0f} fps" if figures.state == "live" else ""
        muted = ", muted" if view.is_muted else ""
        words.append(f"{view.title} - {figures.state}{fps}{muted}")
    return ", ".join(words)


def natural_size(views: list[View], room: Size) -> Size:
    """Return a window size that shows the first picture of each view unscaled, if it fits."""
    sizes = [(v.frame.width, v.frame.height) for v in views if v.frame is not None]
    width = max((size[0] for size in sizes), default=640)
    height = max((size[1] for size in sizes), default=480)
    columns = math.ceil(math.sqrt(len(views)))
    rows = math.ceil(len(views) / columns)
    whole = (width * columns, height * rows)
    _, _, new_width, new_height = canvas.fit(whole, room)
    return (new_width, new_height) if whole[0] > new_width else whole


def _decoded(view: View) -> Image | None:
    frame = view.frame
    if frame is None:
        return None
    try:
        return frame.image
    except ValueError:
        return None
