"""CameraStatus knows what a camera is and has done; an idle camera is more than a reason."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from tests.support.fakes import TINY_JPEG
from twistedcam.camera import status as module
from twistedcam.camera.state_machine import IDLE
from twistedcam.camera.status import CameraStatus
from twistedcam.codecs.jpeg_encoder import EncodedPicture
from twistedcam.media.track import Track
from twistedcam.sources.base import RawPacket
from twistedcam.sources.spec import SourceSpec


def make_status(clock: Clock) -> CameraStatus:
    return CameraStatus("cam", SourceSpec("fake", "", {}, "fake:"), clock)


def test_a_camera_is_idle_by_its_state_and_not_by_what_its_reason_says() -> None:
    status = make_status(Clock())
    status.set_state("stopped", IDLE)
    assert not status.is_idle
    status.set_state("stopped", "any text", is_idle=True)
    assert status.is_idle
    status.set_state("starting", None)
    assert not status.is_idle


def test_frames_are_numbered_and_counted_by_what_was_done_to_them() -> None:
    status = make_status(Clock())
    own = EncodedPicture(1, 2, 3, TINY_JPEG, False)
    encoded = EncodedPicture(1, 4, 5, TINY_JPEG, True)
    late = EncodedPicture(1, 4, 5, lambda: TINY_JPEG, False)
    assert [status.number(each).seq for each in (own, encoded, late)] == [1, 2, 3]
    counts = status.counts
    assert (counts.frames, counts.bytes) == (3, 2 * len(TINY_JPEG))
    assert (counts.passed, counts.encoded, counts.from_camera) == (1, 1, False)
    assert (status.width, status.height) == (4, 5)


def test_the_time_since_it_is_live_and_of_its_last_fault_are_kept() -> None:
    clock = Clock()
    status = make_status(clock)
    clock.advance(3)
    status.set_state("live", None)
    status.note_fault("unplugged")
    assert (status.live_since, status.last_fault) == (3, (3, "unplugged"))
    status.set_state("recovering", "unplugged")
    assert status.live_since is None


@pytest.mark.parametrize("lag", [0.0, 1.5])
def test_the_rate_is_that_of_the_camera_though_pictures_come_together(
    lag: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(time=clock.seconds))
    status = make_status(clock)
    status.rate.late = 0.2
    track = Track(0, "video", "h264", 16, 16)
    captured = 0.0
    while captured < 5.0:
        clock.advance(0.185)
        while captured + lag < clock.seconds():
            status.number_packet(RawPacket(track, captured, b""), (16, 16))
            captured += 0.04
    for _ in range(18):
        clock.advance(0.01)
        assert status.rate.current(clock.seconds()) == pytest.approx(25, rel=0.02)
    assert status.ages.total == 0
    status.rate.late = 0.0
    status.number_packet(RawPacket(track, clock.seconds() - 0.1, b""), (16, 16))
    assert status.ages.total == pytest.approx(0.1)
