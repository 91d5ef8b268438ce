"""The cells of a grid that count, by polygons."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from twistedcam.util.polygons import Polygon

Cells = NDArray[np.bool_]

#: Parts of a cell by which a polygon is drawn: a cell belongs to it if its centre does.
_FINE = 4


class Zones:
    """The cells in which motion counts.

    Arguments:
        zones: names and polygons; without any, all cells count.
        ignore: polygons whose cells do not count.
        shape: rows and columns of the grid.
    """

    def __init__(
        self,
        zones: Iterable[tuple[str, Polygon]],
        ignore: Iterable[Polygon],
        shape: tuple[int, int],
    ) -> None:
        self._zones: dict[str, Cells] = {}
        for name, polygon in zones:
            cells = cells_of(polygon, shape)
            self._zones[name] = self._zones[name] | cells if name in self._zones else cells
        counted = np.ones(shape, bool)
        if self._zones:
            counted = np.logical_or.reduce(list(self._zones.values()))
        for polygon in ignore:
            counted &= ~cells_of(polygon, shape)
        #: The cells that count; None if all do.
        self.counted: Cells | None = None if counted.all() else counted

    def name_of(self, cells: Cells) -> str | None:
        """Return the zone that has most of some cells; None if there are no zones."""
        if not self._zones:
            return None
        return max(self._zones, key=lambda name: np.count_nonzero(self._zones[name] & cells))


def cells_of(polygon: Polygon, shape: tuple[int, int]) -> Cells:
    """Return the cells whose centre is in a polygon."""
    rows, columns = shape
    mask = np.zeros((rows * _FINE, columns * _FINE), np.uint8)
    corners = np.array([[x * columns * _FINE, y * rows * _FINE] for x, y in polygon])
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    half = _FINE // 2
    return mask[half::_FINE, half::_FINE] > 0
