"""The results of motion detection."""

from __future__ import annotations

from typing import Literal, NamedTuple

#: x, y, width and height as shares of the picture.
Box = tuple[float, float, float, float]

#: What can be wrong with a camera's pictures.
PictureFault = Literal["frozen", "covered"]


class Moving(NamedTuple):
    """Something that moves.

    Arguments:
        since: the time of the first picture in which it was seen.
        box: its place.
        score: from 0 to 100, by its size and its difference from the background.
        zone: the zone that most of it is in; None if there are no zones.
    """

    since: float
    box: Box
    score: float
    zone: str | None = None


class Examined(NamedTuple):
    """The result for one picture.

    Arguments:
        moving: what moves, the strongest first.
        fault: what is wrong with the pictures, if anything.
        is_calm: True if nothing differs from the background.
    """

    moving: list[Moving]
    fault: PictureFault | None = None
    is_calm: bool = False
