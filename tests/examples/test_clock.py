"""The time of capture is drawn into the picture."""

from __future__ import annotations

import numpy as np

from tests.support.example_frames import frame, room
from twistedcam.examples import clock


def test_the_clock_is_drawn_at_the_upper_left() -> None:
    given = frame(room())
    drawn = clock.clock(given)
    changed = np.abs(drawn.astype(int) - given.image).max(axis=2) > 20
    assert changed[:60, :200].any()
    assert not changed[60:].any()
