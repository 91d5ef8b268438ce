"""What a person is told of."""

from __future__ import annotations

import pytest

from tray.menu import Action
from tray.notices import GRACE, Notice, NotificationFilter

SHOW = (Action("page", ("door",)), "Show the camera")
OPEN = (Action("recording", ("a.mp4",)), "Open")


def state(name: str, camera: str = "door", reason: str | None = None) -> dict[str, object]:
    return {"event": "state", "camera": camera, "state": name, "reason": reason}


def test_a_finished_recording_is_told_with_its_name_and_length() -> None:
    event = {"event": "recording", "what": "finished", "name": "a.mp4", "seconds": 61.5}
    assert NotificationFilter().of(event) == Notice("Recording finished", "a.mp4 (1:01)", *OPEN)


def test_what_was_saved_of_the_pre_roll_is_told_with_its_name_and_length() -> None:
    event = {"event": "recording", "what": "saved", "name": "a.mp4", "seconds": 30.2}
    assert NotificationFilter().of(event) == Notice("Recording saved", "a.mp4 (0:30)", *OPEN)


def test_a_full_disk_is_told_with_the_systems_reason() -> None:
    event = {"event": "recording", "what": "failed", "name": "a.mp4", "code": "disk"}
    notice = NotificationFilter().of({**event, "reason": "No space left on device"})
    assert notice is not None
    assert notice[:2] == ("Recording ended: the disk", "a.mp4: No space left on device")


def test_a_recording_that_waits_for_a_picture_is_told() -> None:
    event = {"event": "recording", "what": "waiting", "name": "a.mp4", "reason": "unplugged"}
    found = NotificationFilter().of({**event, "camera": "door"})
    assert found == ("The recording waits for a picture", "a.mp4: unplugged", *SHOW)


def test_a_disk_fault_outside_a_recording_is_told_too() -> None:
    event = {"event": "fault", "camera": "door", "code": "disk", "reason": "Read-only file system"}
    found = NotificationFilter().of(event)
    assert found == ("door: disk", "Read-only file system", Action("page"), "Show the page")


def test_a_lost_camera_is_told_once_and_once_when_it_is_back() -> None:
    notices = NotificationFilter()
    events = [
        state("recovering", reason="unplugged"),
        state("recovering", reason="no such device"),
        state("live"),
        state("live"),
    ]
    assert [notices.of(each) for each in events] == [
        Notice("door: camera lost", "unplugged", *SHOW),
        None,
        Notice("door: camera back", "It is live again.", *SHOW),
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
    assert lost == Notice("door: camera lost", "no such device", *SHOW)


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
    assert notices.of(state("live")) == Notice("door: camera back", "It is live again.", *SHOW)


def test_what_happens_all_day_is_nobodys_concern() -> None:
    notices = NotificationFilter()
    assert notices.of({"event": "viewer", "what": "joined", "camera": "door"}) is None
    assert notices.of({"event": "recording", "what": "started", "name": "a.mp4"}) is None
    assert notices.of({"event": "of a later version"}) is None


AWAY = "The camera server is not running"


def test_a_lost_server_is_told_once_after_a_while_and_once_when_it_is_back() -> None:
    notices = NotificationFilter()
    assert notices.server(True, "door: live", 0.0, False) is None
    assert notices.server(False, AWAY, 10.0, True) is None
    assert notices.server(False, AWAY, 10.0 + GRACE - 0.1, True) is None
    lost = notices.server(False, AWAY, 10.0 + GRACE, True)
    assert lost == ("Camera server lost", AWAY, Action("serve"), "Start a server here")
    assert notices.server(False, AWAY, 99.0, True) is None
    back = notices.server(True, "door: live", 100.0, False)
    assert back == ("Camera server back", "door: live", Action("page"), "Show the page")
    assert notices.server(True, "door: live", 101.0, False) is None


def test_a_server_that_is_restarted_is_not_told_to_be_lost() -> None:
    notices = NotificationFilter()
    notices.server(True, "", 0.0, False)
    assert notices.server(False, AWAY, 1.0, True) is None
    assert notices.server(True, "", 1.0 + GRACE, False) is None


def test_a_server_that_was_never_there_is_not_lost() -> None:
    notices = NotificationFilter()
    notices.expect_end()  # of one that could not start
    assert notices.server(False, AWAY, 0.0, True) is notices.server(False, AWAY, 99.0, True) is None
    notices.server(True, "", 100.0, False)
    notices.server(False, AWAY, 101.0, False)
    lost = notices.server(False, AWAY, 200.0, False)
    assert lost is not None
    assert lost.action is None


def test_a_server_that_was_shut_down_here_is_not_lost() -> None:
    for is_seen_first in (False, True):
        notices = NotificationFilter()
        notices.server(True, "", 0.0, False)
        if is_seen_first:
            notices.server(False, AWAY, 1.0, True)
        notices.expect_end()
        if not is_seen_first:
            notices.server(True, "", 1.0, False)  # it is still shutting down
            notices.server(False, AWAY, 1.5, True)
        assert notices.server(False, AWAY, 99.0, True) is None
        assert notices.server(True, "", 100.0, False) is None
        notices.server(False, AWAY, 101.0, True)
        assert notices.server(False, AWAY, 199.0, True) is not None
