"""Finds that a camera shows nothing: it is frozen, or something covers it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twistedcam.processing.motion.findings import PictureFault

#: Seconds for which pictures are equal, or of one grey, before that is a fault.
FROZEN = 10.0
COVERED = 5.0
#: A picture is of one grey if its cells differ by fewer levels (standard deviation).
ONE_GREY = 1.5


class PictureCheck:
    """Checks that pictures differ from each other, and that there is something in them.

    A sensor's noise makes two pictures differ even if nothing happens.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.uint8] | None = None
        self._changed = 0.0
        self._grey_since = 0.0

    def feed(self, grey: NDArray[np.uint8], time: float) -> PictureFault | None:
        """Take a picture; return what is wrong with it and those before, if anything.

        Arguments:
            grey: (height, width) uint8.
            time: seconds on a clock that goes forward.
        """
        before, self._before = self._before, grey
        if before is None or before.shape != grey.shape:
            self._changed = self._grey_since = time
            return None
        if not np.array_equal(before, grey):
            self._changed = time
        if float(grey.std()) >= ONE_GREY:
            self._grey_since = time
        if time - self._grey_since >= COVERED:
            return "covered"
        return "frozen" if time - self._changed >= FROZEN else None
