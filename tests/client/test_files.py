"""Pictures that the viewer saves."""

from __future__ import annotations

from pathlib import Path

from client.files import save_frame, save_snapshot
from tests.support.films import h264_packets
from twistedcam.clients.frames.pictures import PictureGroups
from twistedcam.media.frame import Frame
from twistedcam.media.jpeg import read_header


def test_no_picture_takes_another_s_place(tmp_path: Path) -> None:
    """A server that has begun anew counts from 1 again."""
    pictures = [bytes([number]) for number in range(3)]
    paths = [save_frame(tmp_path, None, Frame(1, 0, 1, 1, each)) for each in pictures]
    assert [path.name for path in paths] == ["00000001.jpg", "00000001-2.jpg", "00000001-3.jpg"]
    assert [path.read_bytes() for path in paths] == pictures


def test_the_picture_of_a_packet_is_saved_as_jpeg(tmp_path: Path) -> None:
    packet = PictureGroups().add(h264_packets([0])[0])
    path = save_snapshot(tmp_path, "cam", packet)
    assert read_header(path.read_bytes()).size == (160, 120)
