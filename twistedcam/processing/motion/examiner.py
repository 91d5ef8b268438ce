"""Decodes a camera's pictures, finds what moves in them, and checks that they show something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.video_decoder import VideoDecoder
from twistedcam.processing.motion.detector import Detector
from twistedcam.processing.motion.findings import Examined, PictureFault
from twistedcam.processing.motion.grey import reduce_jpeg, reduce_luma
from twistedcam.processing.motion.settings import MotionSettings

#: Seconds for which pictures are equal, or of one grey, before that is a fault.
FROZEN = 10.0
COVERED = 5.0
#: A picture is of one grey if its cells differ by fewer levels (standard deviation).
ONE_GREY = 1.5


class Examiner:
    """Examines the newest of some packets that follow each other. Its methods block.

    Arguments:
        settings: the settings of the detector.
        opening: the number of the camera's opening that it is for.
    """

    def __init__(self, settings: MotionSettings, opening: int = 0) -> None:
        self.opening = opening
        self._detector = Detector(settings)
        self._check = PictureCheck()
        self._decoder: VideoDecoder | None = None

    def examine(self, packets: Sequence[Packet], time: float) -> Examined | None:
        """Decode packets, and examine the newest picture.

        Arguments:
            packets: one frame; or, of other codecs, all packets since those of the last call.
            time: seconds on a clock that goes forward.

        Returns:
            What was found; None if there is no picture yet.

        Raises:
            ValueError: the packets cannot be decoded.
        """
        newest = packets[-1]
        if isinstance(newest, Frame):
            grey = reduce_jpeg(newest.jpeg)
        else:
            if self._decoder is None:
                self._decoder = VideoDecoder(is_rough=True)
            pictures = self._decoder.decode(packets)
            if not pictures:
                return None
            grey = reduce_luma(pictures[-1].picture)
        moving = self._detector.feed(grey, time)
        return Examined(moving, self._check.feed(grey, time), self._detector.is_calm)


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
