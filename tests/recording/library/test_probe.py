"""Items of the library, from the headers of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twistedcam.recording.library.probe import EARLIEST, LATEST, of_file, probe, start_time
from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo
from twistedcam.recording.writer.metadata_tag import Tag

DATE = "2025-06-15T15:06:40.500000Z"
BEGAN = 1_750_000_000.5


@pytest.fixture
def status(tmp_path: Path) -> os.stat_result:
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(99))
    os.utime(path, (BEGAN + 60, BEGAN + 60))
    return path.stat()


def head(tag: Tag) -> Head:
    return Head({"comment": str(tag), "date": DATE}, 60.0, "h264", 640, 480)


def test_an_own_recording_says_all_of_itself(status: os.stat_result) -> None:
    item = probe("a.mp4", status, head(Tag("door", "a.mp4", 3, BEGAN + 1, "0" * 16, 12.5)))
    assert (item.camera, item.start, item.seconds, item.size) == ("door", BEGAN, 60.0, 99)
    assert (item.codec, item.width, item.height, item.dropped) == ("h264", 640, 480, 3)
    assert (item.own, item.complete, item.since) == (True, True, BEGAN + 1)
    assert (item.boot, item.up) == ("0" * 16, 12.5)
    assert next(iter(item.as_dict())) == "recording"


def test_a_copy_under_another_name_is_not_own(status: os.stat_result) -> None:
    item = probe("copy.mp4", status, head(Tag("door", "a.mp4")))
    assert (item.own, item.camera, item.since) == (False, "door", BEGAN + 60)


def test_a_file_that_cannot_be_read_has_its_size_and_its_time(status: os.stat_result) -> None:
    item = probe("a\n.mp4", status, UnreadableVideo("broken"))
    assert item == of_file("a\n.mp4", status)
    assert (item.recording, item.start, item.seconds, item.codec) == (
        *("a%0A.mp4", BEGAN + 60),
        *(None, None),
    )


@pytest.mark.parametrize(
    ("metadata", "began"),
    [
        ({}, None),
        ({"date": DATE}, BEGAN),
        ({"creation_time": DATE}, BEGAN),
        ({"date": "2025", "creation_time": DATE}, BEGAN),
        ({"date": "2025-06-15T15:06:40"}, None),  # no time zone
        ({"date": "9999-12-31T23:59:59Z"}, None),
    ],
)
def test_the_start_is_the_first_date_that_is_one(
    metadata: dict[str, str], began: float | None
) -> None:
    assert start_time(metadata) == began


def test_a_time_of_change_that_has_no_date_is_clamped(tmp_path: Path) -> None:
    for changed, start in ((-(10**12), EARLIEST), (10**12, LATEST)):
        status = os.stat_result([0o100600, 0, 0, 1, 0, 0, 5, 0, changed, 0])
        assert of_file("a.mp4", status).start == start
