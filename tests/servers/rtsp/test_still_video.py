"""A placeholder as video in the codec of a track."""

from __future__ import annotations

from fractions import Fraction

from twisted.internet.defer import Deferred

from tests.support.rtsp_peer import RtspCase, picture
from twistedcam.codecs.still_encoder import PICTURES
from twistedcam.servers.rtsp.still_video import GROUP_PERIOD, StillVideo


class StillVideoTests(RtspCase):
    def setUp(self) -> None:
        super().setUp()
        self.still = StillVideo(self.server.make_thread)

    def show_still(self, jpeg: bytes, codec: str) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.still.show(jpeg, codec)))

    def keys(self, count: int) -> list[bool]:
        return [self.still.next_picture().is_keyframe for _ in range(count)]

    def test_video_has_a_key_frame_for_each_group_and_jpeg_one_picture(self) -> None:
        rest = [False] * (PICTURES - 1)
        self.show_still(picture(), "h264")
        assert self.still.period == GROUP_PERIOD / PICTURES
        assert self.keys(PICTURES + 2) == [True, *rest, True, False]
        assert self.still.next_picture().track.rate == Fraction(PICTURES)
        self.show_still(picture(), "mjpeg")
        assert self.still.period == GROUP_PERIOD
        assert self.keys(3) == [True] * 3
        shown = self.still.next_picture()
        assert (shown.data, shown.track.codec, shown.track.rate) == (picture(), "mjpeg", None)

    def test_what_is_new_begins_with_a_key_frame_and_what_is_shown_goes_on(self) -> None:
        self.show_still(picture(), "h264")
        assert self.keys(2) == [True, False]
        self.show_still(picture(), "h264")
        assert self.keys(1) == [False]
        self.show_still(picture(96, 64), "h264")
        assert self.keys(2) == [True, False]
        self.still.begin_group()
        assert self.keys(1) == [True]
