"""Log lines and events about recordings."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.logger import capturedLogs, formatEvent

from twistedcam.errors import CameraFailed, DiskError, NotSupported
from twistedcam.events import Event, EventBus, Fault, RecordingChanged
from twistedcam.recording.reporter import RecordingReporter, no_picture_error
from twistedcam.recording.writer.session import Progress

DONE = Progress("a.mp4", frames=20, seconds=2.0, bytes=4_000_000, dropped=1, files=2)


def report() -> tuple[RecordingReporter, list[Event]]:
    bus, events = EventBus(), list[Event]()
    bus.subscribe(events.append)
    return RecordingReporter("door", Path("/films"), bus), events


def test_a_finished_recording_is_reported_with_its_numbers() -> None:
    reporter, events = report()
    with capturedLogs() as logs:
        reporter.report("finished", "a.mp4", DONE)
    assert events == [
        RecordingChanged(
            "door", "finished", "a.mp4", frames=20, seconds=2.0, bytes=4_000_000, dropped=1
        )
    ]
    (line,) = (formatEvent(each) for each in logs)
    assert line.startswith("door: recorded 2 files, the last is /films/a.mp4 (0:02, 4.0 MB)")


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("started", "door: recording to /films/a.mp4"),
        ("recovered", "door: recording recovered: /films/a.mp4"),
    ],
)
def test_the_log_has_a_sentence(what: str, text: str) -> None:
    reporter, _ = report()
    with capturedLogs() as logs:
        reporter.report(what, "a.mp4")
    assert [formatEvent(each) for each in logs] == [text]


def test_waiting_for_a_picture_and_its_end_are_reported() -> None:
    reporter, events = report()
    reporter.waiting("a.mp4", "the camera is recovering")
    reporter.waiting("a.mp4", None)
    assert events == [
        RecordingChanged("door", "waiting", "a.mp4", reason="the camera is recovering"),
        RecordingChanged("door", "writing", "a.mp4"),
    ]


def test_a_failure_has_its_code_and_a_fault_of_its_own() -> None:
    reporter, events = report()
    reporter.failed(DONE, DiskError("full"))
    reporter.fault(DiskError("full"))
    failed, fault = events
    assert isinstance(failed, RecordingChanged)
    assert (failed.what, failed.code, failed.reason) == ("failed", "disk", "full")
    assert fault == Fault("door", "disk", "full")


def test_left_out_pictures_are_a_fault_only_where_the_camera_is_the_cause() -> None:
    reporter, events = report()
    reporter.skip_reasons("too small", is_fault=False)
    assert events == []
    reporter.skip_reasons("too small", is_fault=True)
    assert events == [Fault("door", "not-supported", "too small")]


def test_a_recording_without_a_file_says_why() -> None:
    assert isinstance(no_picture_error(Progress("a", unsupported="a size")), NotSupported)
    none, broken = no_picture_error(Progress("a")), no_picture_error(Progress("a", dropped=3))
    assert isinstance(none, CameraFailed)
    assert str(none).startswith("no picture came, so there is no file a")
    assert str(broken).startswith("none of 3 pictures can be read")
