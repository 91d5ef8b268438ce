"""What a person is told of."""

from __future__ import annotations

import pytest

from tray.notices import Notice, NotificationFilter


def state(name: str, camera: str = "door", reason: str | None = None) -> dict[str, object]:
    return {"event": "state", "camera": camera, "state": name, "reason": reason}


def test_a_finished_recording_is_told_with_its_name_and_length() -> None:
    event = {"event": "recording", "what": "finished", "name": "a.mp4", "seconds": 61.5}
    assert NotificationFilter().of(event) == Notice("Recording finished", "a.mp4 (1:01)")


def test_what_was_saved_of_the_pre_roll_is_told_with_its_name_and_length() -> None:
    event = {"event": "recording", "what": "saved", "name": "a.mp4", "seconds": 30.2}
    assert NotificationFilter().of(event) == Notice("Recording saved", "a.mp4 (0:30)")


def test_a_full_disk_is_told_with_the_systems_reason() -> None:
    event = {"event": "recording", "what": "failed", "name": "a.mp4", "code": "disk"}
    notice = NotificationFilter().of({**event, "reason": "No space left on device"})
    assert notice == Notice("Recording ended: the disk", "a.mp4: No space left on device")


def test_a_recording_that_waits_for_a_picture_is_told() -> None:
    event = {"event": "recording", "what": "waiting", "name": "a.mp4", "reason": "unplugged"}
    assert NotificationFilter().of(event) == (
        "The recording waits for a picture",
        "a.mp4: unplugged",
    )


def test_a_disk_fault_outside_a_recording_is_told_too() -> None:
    event = {"event": "fault", "camera": "door", "code": "disk", "reason": "Read-only file system"}
    assert NotificationFilter().of(event) == Notice("door: disk", "Read-only file system")


def test_a_lost_camera_is_told_once_and_once_when_it_is_back() -> None:
    notices = NotificationFilter()
    events = [
        state("recovering", reason="unplugged"),
        state("recovering", reason="no such device"),
        state("live"),
        state("live"),
    ]
    assert [notices.of(each) for each in events] == [
        Notice("door: camera lost", "unplugged"),
        None,
        Notice("door: camera back", "It is live again."),
        None,
    ]


@pytest.mark.parametrize("of", ["", "door is recovering: "], ids=["itself", "what it is made of"])
def test_a_camera_that_is_opened_anew_is_not_lost(of: str) -> None:
    notices = NotificationFilter()
    reason = f"{of}it is opened anew as pattern:?fps=5"
    assert notices.seen("yard", "recovering", reason) is None
    assert notices.of(state("recovering", reason=reason)) is None
    assert notices.of(state("live")) is notices.of(state("live", "yard")) is None


def test_a_camera_that_is_not_to_be_opened_anew_is_lost() -> None:
    notices = NotificationFilter()
    notices.of(state("recovering", reason="it is opened anew as webcam:0"))
    lost = notices.of(state("recovering", reason="no such device"))
    assert lost == Notice("door: camera lost", "no such device")


def test_cameras_are_told_apart() -> None:
    notices = NotificationFilter()
    notices.of(state("recovering", "door"))
    assert notices.of(state("live", "yard")) is None


def test_a_camera_that_was_stopped_while_lost_does_not_come_back() -> None:
    notices = NotificationFilter()
    notices.of(state("recovering"))
    notices.of(state("stopped"))
    assert notices.of(state("live")) is None


def test_what_was_lost_before_the_tray_came_is_told_when_it_is_back() -> None:
    notices = NotificationFilter()
    assert notices.seen("door", "recovering") is None
    assert notices.seen("yard", "live") is None
    assert notices.of(state("live")) == Notice("door: camera back", "It is live again.")


def test_what_happens_all_day_is_nobodys_concern() -> None:
    notices = NotificationFilter()
    assert notices.of({"event": "viewer", "what": "joined", "camera": "door"}) is None
    assert notices.of({"event": "recording", "what": "started", "name": "a.mp4"}) is None
    assert notices.of({"event": "of a later version"}) is None
