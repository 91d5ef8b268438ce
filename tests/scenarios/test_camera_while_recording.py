"""A recording of a camera that goes and comes back, on the disk and in its viewers' eyes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from tests.fakecam import (
    FakeCam,
    Format,
    encode_jpeg,
    jpeg_size,
    moving_picture,
    require_fakecam,
    stamp_of,
)
from tests.support.camera_rig import EventReader, Viewer, serving
from tests.support.process import wait_for

SMALL = Format("MJPG", 640, 480, (15,), [encode_jpeg(p) for p in moving_picture(640, 480, 8)])


class Recorded(NamedTuple):
    """A frame in a file: `place`, seconds from the file's first; `captured`, the driver's."""

    place: float
    captured: float


def read(path: Path) -> list[Recorded]:
    """All frames of a file that keeps the camera's JPEGs; each of them decodes."""
    found: list[Recorded] = []
    with av.open(str(path)) as film:
        (stream,) = film.streams.video
        for packet in film.demux(stream):
            if packet.pts is None:
                continue  # the end
            data = bytes(packet)
            stamp = stamp_of(data)
            assert stamp is not None
            assert jpeg_size(data) == (640, 480)
            (frame,) = packet.decode()
            assert (frame.width, frame.height) == (640, 480)
            found.append(Recorded(float(packet.pts * packet.time_base), stamp.time / 1e9))
    return [Recorded(each.place - found[0].place, each.captured) for each in found]


def longest_gap(frames: list[Recorded]) -> float:
    return max(b.place - a.place for a, b in pairwise(frames))


def test_a_silent_camera_leaves_a_pause_a_lost_one_two_files_and_every_time_is_true(
    tmp_path: Path,
) -> None:
    require_fakecam()
    with (
        FakeCam([SMALL], stamp=True) as camera,
        serving(tmp_path, camera.bus, "--camera", f"webcam:{camera.by_id}") as server,
        EventReader(server.control) as events,
        Viewer(server.frames) as viewer,
    ):
        viewer.frames(1)
        assert server.command_lines("record start garage.mkv")[-1] == "OK"
        watching = server.command_lines("viewers")[0]
        seen = viewer.frames(10)

        camera.stall()
        events.wait_for("state=recovering", "no picture for")
        camera.ok()
        events.wait_for("state=live")
        seen += viewer.frames(20)

        camera.unplug()
        events.wait_for("what=segment", "garage.mkv")  # whole, while the camera is still away
        first = read(tmp_path / "garage.mkv")
        camera.replug(2)
        events.wait_for("state=live")
        seen += viewer.frames(20)
        while [state.state for state in viewer.states].count("recovering") < 2:
            seen += viewer.frames(1)  # on its way was still more of before

        assert server.command_lines("viewers")[0] == watching, "the same connection all the time"
        assert int(server.status()["recording_dropped"]) == 0
        assert server.command_lines("record stop")[-1] == "OK"
        wait_for(lambda: (tmp_path / "garage-2.mkv").exists(), "the second file")
    files = sorted(path.name for path in tmp_path.glob("*.mkv"))
    second = read(tmp_path / "garage-2.mkv")

    assert files == ["garage-2.mkv", "garage.mkv"]
    assert read(tmp_path / "garage.mkv") == first
    assert longest_gap(first) > 1, "a camera that was silent leaves a pause"
    assert longest_gap(second) < 1
    for frames in (first, second):
        for frame in frames:  # a step in Matroska is a millisecond
            captured = frame.captured - frames[0].captured
            assert frame.place == pytest.approx(captured, abs=0.005)
    assert second[0].captured > first[-1].captured
    numbers = [frame.seq for frame in seen]
    assert numbers == sorted(set(numbers)), "the viewer saw each once, in order"
