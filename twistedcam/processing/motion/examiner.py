"""Decodes a camera's pictures, finds what moves in them, and checks that they show something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.video_decoder import VideoDecoder
from twistedcam.processing.motion.detector import Detector
from twistedcam.processing.motion.findings import Examined, PictureFault
from twistedcam.processing.motion.grey import reduce_jpeg, reduce_luma
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.processing.motion.zones import Cells, cells_of
from twistedcam.util.polygons import Polygon

#: Seconds for which pictures are equal, or of one grey, before that is a fault.
FROZEN = 10.0
COVERED = 5.0
#: A picture is of one grey if its cells differ by fewer levels (standard deviation).
ONE_GREY = 1.5


class Examiner:
    """Examines the newest of some packets that follow each other. Its methods block.

    Arguments:
        settings: the settings of the detector.
        generation: the number of the background that it learns (MotionWatch).
        drawn: polygons in which something is drawn by this program (PictureCheck).
    """

    def __init__(
        self, settings: MotionSettings, generation: int = 0, drawn: Iterable[Polygon] = ()
    ) -> None:
        self.generation = generation
        self._detector = Detector(settings)
        self._check = PictureCheck(drawn)
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
            for each in pictures[:-1]:
                if each.packet.is_keyframe:
                    self._check.feed(reduce_luma(each.picture), time)
            newest = pictures[-1].packet
            grey = reduce_luma(pictures[-1].picture)
        moving = self._detector.feed(grey, time)
        fault = self._check.feed(grey, time, newest.is_keyframe)
        return Examined(moving, fault, self._detector.is_calm)


class PictureCheck:
    """Checks that pictures differ from each other, and that there is something in them.

    A sensor's noise makes two pictures differ even if nothing happens. In coded video only key
    frames tell that: those between repeat what does not change by much, and refine a picture that
    does not change at all.

    Arguments:
        drawn: polygons in which something is drawn by this program, which tells nothing.
    """

    def __init__(self, drawn: Iterable[Polygon] = ()) -> None:
        self._drawn = tuple(drawn)
        self._shape: tuple[int, ...] = ()
        #: The cells that the camera has made; None for all.
        self._cells: Cells | None = None
        self._before: NDArray[np.uint8] | None = None
        self._is_frozen = False
        self._changed = 0.0
        self._grey_since = 0.0

    def feed(
        self, picture: NDArray[np.uint8], time: float, is_keyframe: bool = True
    ) -> PictureFault | None:
        """Take a picture; return what is wrong with it and those before, if anything.

        Arguments:
            picture: (height, width) uint8, grey.
            time: seconds on a clock that goes forward.
            is_keyframe: True if it is coded without others.
        """
        if picture.shape != self._shape:
            self._begin(picture, time)
        grey = picture if self._cells is None else picture[self._cells]
        if is_keyframe:
            before, self._before = self._before, grey
            if before is None or not np.array_equal(before, grey):
                self._changed = time
            self._is_frozen = time - self._changed >= FROZEN
        if not grey.size or float(grey.std()) >= ONE_GREY:
            self._grey_since = time
        if time - self._grey_since >= COVERED:
            return "covered"
        return "frozen" if self._is_frozen and grey.size else None

    def _begin(self, picture: NDArray[np.uint8], time: float) -> None:
        self._shape, self._before = picture.shape, None
        self._changed = self._grey_since = time
        self._cells = None
        if self._drawn:
            rows, columns = picture.shape
            drawn = np.zeros((rows, columns), np.uint8)
            for polygon in self._drawn:
                drawn |= cells_of(polygon, (rows, columns))
            # Their edges are blurred by the coding.
            self._cells = cv2.dilate(drawn, np.ones((3, 3), np.uint8)) == 0
