"""Webcams that encode H.264: recorded as it comes, decoded only for viewers of JPEG."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import pytest

from tests.fakecam import FakeCam, Format, encode_h264, moving_picture, require_fakecam
from tests.support.camera_rig import EventReader, Viewer, serving
from tests.support.process import wait_for
from twistedcam.media.h264 import H264
from twistedcam.media.nal import join_units, split_length_prefixed, split_units

EVERY = 10
UNITS = encode_h264(moving_picture(320, 240, 60), EVERY)
H264_CAMERA = [Format("H264", 320, 240, (30,), UNITS), Format("MJPG", 320, 240)]


@pytest.fixture(autouse=True)
def _buildable() -> None:
    require_fakecam()


def recorded_units(path: Path) -> list[tuple[bytes, ...]]:
    """The units of each picture in a file, without parameter sets."""
    with av.open(str(path)) as film:
        packets = [bytes(packet) for packet in film.demux(video=0) if packet.size]
    return [_slices(join_units(split_length_prefixed(data))) for data in packets]


def _slices(data: bytes) -> tuple[bytes, ...]:
    units = split_units(data)
    return tuple(each for each in units if H264.unit_type(each) not in H264.set_types)


def test_its_own_access_units_are_recorded_and_decoded_only_for_viewers(tmp_path: Path) -> None:
    settings = "format=h264&size=320x240"
    with (
        FakeCam(H264_CAMERA) as camera,
        serving(tmp_path, camera.bus, "--camera", f"webcam:{camera.by_id}?{settings}") as server,
        EventReader(server.control) as events,
    ):
        wait_for(lambda: server.status()["state"] == "live", "a picture")
        status = server.status()
        assert (status["codec"], status["transcoding"]) == ("h264", "none")
        assert status["granted_size"] == "320x240"
        assert "recording: a.mp4" in server.command_lines("record start a.mp4")
        wait_for(lambda: int(server.status()["recording_frames"]) > 2 * EVERY, "two groups")
        assert server.status()["transcoding"] == "none"
        assert server.command_lines("record stop")[-1] == "OK"
        with Viewer(server.frames) as viewer:
            assert {(each.width, each.height) for each in viewer.frames(5)} == {(320, 240)}
            assert server.status()["transcoding"] == "h264→mjpeg: 1 viewer"
            camera.unplug()
            events.wait_for("state=recovering", "was unplugged")
            camera.replug(2)
            events.wait_for("state=live")
    numbers = {_slices(unit): number for number, unit in enumerate(UNITS)}
    found = [numbers[each] for each in recorded_units(tmp_path / "a.mp4")]
    assert found[0] % EVERY == 0
    assert len(found) > 2 * EVERY
    for one, two in itertools.pairwise(found):  # on a busy machine the driver may lose pictures
        assert (two - one) % len(UNITS) == 1 or two % EVERY == 0
