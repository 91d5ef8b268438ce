"""Decodes a camera's pictures, and examines them. All of it blocks."""

from __future__ import annotations

from collections.abc import Sequence

from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.video_decoder import VideoDecoder
from twistedcam.processing.motion.detector import Detector
from twistedcam.processing.motion.findings import Examined
from twistedcam.processing.motion.grey import reduce_jpeg, reduce_luma
from twistedcam.processing.motion.picture_check import PictureCheck
from twistedcam.processing.motion.settings import MotionSettings


class Examiner:
    """Examines the newest of some packets that follow each other.

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
        return Examined(self._detector.feed(grey, time), self._check.feed(grey, time))
