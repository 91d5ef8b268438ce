"""Polygons as cells of a grid."""

from __future__ import annotations

import numpy as np

from twistedcam.processing.motion.zones import Zones, cells_of

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
TOP = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))


def test_a_cell_belongs_to_a_polygon_if_its_centre_does() -> None:
    cells = cells_of(LEFT, (4, 8))
    assert cells[:, :4].all()
    assert not cells[:, 4:].any()


def test_without_polygons_all_cells_count() -> None:
    assert Zones([], [], (4, 8)).counted is None


def test_zones_count_without_what_is_ignored() -> None:
    counted = Zones([("a", LEFT)], [TOP], (4, 8)).counted
    assert counted is not None
    assert np.argwhere(counted).tolist() == [[y, x] for y in (2, 3) for x in range(4)]


def test_the_zone_of_some_cells_is_that_with_most_of_them() -> None:
    right = tuple((1 - x, y) for x, y in LEFT)
    zones = Zones([("left", LEFT), ("right", right)], [], (4, 8))
    cells = np.zeros((4, 8), bool)
    cells[1, 3:7] = True
    assert zones.name_of(cells) == "right"
    assert Zones([], [], (4, 8)).name_of(cells) is None
