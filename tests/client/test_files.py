"""Pictures that the viewer saves."""

from __future__ import annotations

from pathlib import Path

from client.files import save_frame
from twistedcam.media.frame import Frame


def test_no_picture_takes_another_s_place(tmp_path: Path) -> None:
    """A server that has begun anew counts from 1 again."""
    pictures = [bytes([number]) for number in range(3)]
    paths = [save_frame(tmp_path, None, Frame(1, 0, 1, 1, each)) for each in pictures]
    assert [path.name for path in paths] == ["00000001.jpg", "00000001-2.jpg", "00000001-3.jpg"]
    assert [path.read_bytes() for path in paths] == pictures
