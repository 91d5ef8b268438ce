"""What a sink takes is a value: equal wants share a track of RTSP."""

from __future__ import annotations

from twistedcam.stream.wants import Wants


def test_equal_wants_are_one_key() -> None:
    assert {Wants(("h264",), size=(640, 360)), Wants(("h264",), size=(640, 360))} == {
        Wants(("h264",), size=(640, 360))
    }
    assert Wants(("h264",)) != Wants(("h264",), size=(640, 360))
