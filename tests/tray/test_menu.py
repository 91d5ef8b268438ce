"""State in, items out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tray.menu import (
    MAX_RECORDINGS,
    MAX_VIEWERS,
    SEPARATOR,
    Action,
    MenuItem,
    duration,
    menu,
    moment,
    shorten,
    tooltip,
)
from tray.state import LOOKS, CameraView, RecordingView, ServerView, ViewerView
from twistedcam.auth import RIGHTS
from twistedcam.version import __version__

LIVE = CameraView("door", state="live", fps=29.97, size="1280x720", viewers=2)
SERVER = ServerView(
    connected=True,
    cameras=(LIVE,),
    view="twistedcam://127.0.0.1:9530",
    page="http://127.0.0.1:8080/",
    folder="/recordings",
)


def find(items: tuple[MenuItem, ...], text: str) -> MenuItem:
    """The one item whose text begins so."""
    (found,) = [each for each in items if each.text.startswith(text)]
    return found


def enabled(server: ServerView) -> set[str]:
    """What can be clicked in the menu itself."""
    return {each.text for each in menu(server) if each.enabled and each != SEPARATOR}


def only(camera: CameraView) -> ServerView:
    """A server with that camera."""
    return replace(SERVER, cameras=(camera,))


def test_a_live_camera_can_be_stopped_recorded_and_photographed() -> None:
    assert {"Stop", "Record", "Snapshot", "Open the viewer"} <= enabled(SERVER)
    assert "Start" not in enabled(SERVER)
    assert "Start a server here" not in enabled(SERVER)


def test_a_stopped_camera_can_be_started_or_recorded() -> None:
    server = only(CameraView("door"))
    assert {"Start", "Record"} <= enabled(server)
    assert not {"Stop", "Snapshot"} & enabled(server)


def test_a_camera_that_is_lost_can_only_be_stopped() -> None:
    server = only(CameraView("door", state="recovering", reason="unplugged"))
    assert "Stop" in enabled(server)
    assert not {"Start", "Record", "Snapshot"} & enabled(server)
    assert menu(server)[0].text == "door: recovering, unplugged"


def test_record_is_checked_while_recording_and_shows_its_time() -> None:
    assert find(menu(SERVER), "Record").checked is False
    server = only(replace(LIVE, recording="a.mp4", recorded=75.2))
    item = find(menu(server), "Record")
    assert item.text == "Record (1:15)"
    assert item.checked is True
    assert item.action == Action("command", ("record", "stop", "door"))


def test_motion_detection_is_switched_where_the_server_has_it() -> None:
    assert "Detect motion" not in enabled(SERVER)
    for motion, text, word, checked in (
        ("off", "Detect motion", "on", False),
        ("quiet", "Detect motion", "off", True),
        ("moving", "Detect motion (something moves)", "off", True),
    ):
        item = find(menu(only(replace(LIVE, motion=motion))), "Detect motion")
        assert (item.text, item.checked) == (text, checked)
        assert item.action == Action("command", ("motion", word, "door"))


def test_a_recording_that_waits_for_a_picture_says_so() -> None:
    waiting = replace(LIVE, recording="a.mp4", waiting="the camera gives none", fps=0.0)
    server = only(waiting)
    item = find(menu(server), "Record")
    assert (item.text, item.checked) == ("Record (waiting for a picture)", True)
    assert item.action == Action("command", ("record", "stop", "door"))
    assert menu(server)[0].text == "door: live, 0.0 fps, the recording waits for a picture"
    assert server.look == "recovering"


def test_a_recording_can_be_ended_while_the_camera_is_lost() -> None:
    server = only(CameraView("door", state="recovering", recording="a.mp4"))
    assert find(menu(server), "Record").enabled


@pytest.mark.parametrize(("held", "seconds"), [(60.0, 30), (30.0, 30), (12.5, 12), (0.5, 1)])
def test_the_last_seconds_can_be_saved_when_the_ring_holds_them(held: float, seconds: int) -> None:
    assert not [each for each in menu(SERVER) if each.text.startswith("Save")]
    item = find(menu(only(replace(LIVE, preroll=held))), "Save")
    assert item.text == f"Save the last {seconds} s"
    assert item.action == Action("command", ("record", "save-last", "door", f"{seconds}s"))


def actions(items: tuple[MenuItem, ...]) -> set[str]:
    """The verbs of all that can be clicked, and of commands their first word."""
    found: set[str] = set()
    for each in items:
        if each.enabled and each.action is not None:
            found.add(" ".join((each.action.verb, *each.action.words[:1])))
        found |= actions(each.children)
    return found


@pytest.mark.parametrize(
    ("rights", "whole", "may"),
    [
        ("view", True, {"view door", "recording a.mp4"}),
        ("control", False, {"command stop", "command record", "command snapshot"}),
        ("control", True, {"command stop", "command record", "command snapshot"}),
        ("admin", True, {"command shutdown", "page setup"}),
        ("admin", False, set()),
    ],
)
def test_what_the_token_does_not_allow_is_greyed(rights: str, whole: bool, may: set[str]) -> None:
    found = (RecordingView("a.mp4", "door", 0.0, 1.0),)
    server = replace(SERVER, rights=frozenset({rights}), whole=whole, recordings=found)
    assert actions(menu(server)) == may | {"page", "folder", "autostart on", "quit"}


def test_where_a_server_refuses_the_token_none_is_started() -> None:
    refused = ServerView(reason="The camera server does not accept the token", refused=True)
    assert "Start a server here" not in enabled(refused)
    assert menu(refused)[0].text == "The camera server does not accept the token"


def test_without_a_server_one_can_be_started_here_and_nothing_else_be_done() -> None:
    away = ServerView(reason="The camera server is not running")
    assert enabled(away) == {
        "Start a server here",
        "Start with the desktop",
        "About",
        "Quit the tray",
    }
    assert menu(away)[0].text == "The camera server is not running"
    assert menu(away)[2].action == Action("serve")


def test_a_server_on_another_machine_cannot_be_started_nor_its_folder_be_opened_here() -> None:
    assert "Start a server here" not in enabled(ServerView(here=False))
    assert "Open the recordings folder" not in enabled(replace(SERVER, here=False))


def test_a_server_that_is_starting_is_not_started_again() -> None:
    assert "Start a server here" not in enabled(ServerView(serving=True))


def test_what_a_server_does_not_have_cannot_be_opened() -> None:
    found = (RecordingView("a.mp4", "door", 0.0, 1.0),)
    bare = replace(SERVER, view=None, page=None, folder=None, recordings=found, here=False)
    assert not {text for text in enabled(bare) if text.startswith("Open")}


def test_recordings_are_listed_with_camera_time_and_length_the_newest_first() -> None:
    now = datetime(2026, 3, 2, 15, 0)
    found = tuple(
        RecordingView(name, camera, datetime(2026, *when).timestamp(), seconds)
        for name, camera, when, seconds in (
            ("b.mp4", "door", (3, 2, 14, 2), 32.4),
            ("a.mp4", "door", (3, 1, 23, 59), 3600.0),
            ("party.mkv", None, (2, 28, 8, 5), None),
        )
    )
    camera = replace(LIVE, title="Front door")
    items = menu(replace(only(camera), recordings=found), now)
    assert find(items, "Open the last recording").action == Action("recording", ("b.mp4",))
    assert [(each.text, each.action) for each in find(items, "Recent recordings").children] == [
        ("Front door, 14:02 (0:32)", Action("recording", ("b.mp4",))),
        ("Front door, yesterday 23:59 (1:00:00)", Action("recording", ("a.mp4",))),
        ("party.mkv, 2026-02-28 08:05", Action("recording", ("party.mkv",))),
    ]
    many = replace(SERVER, recordings=found[:1] * (MAX_RECORDINGS + 5))
    assert len(find(menu(many), "Recent recordings").children) == MAX_RECORDINGS


def test_without_recordings_there_is_none_to_open() -> None:
    assert not {"Open the last recording", "Recent recordings"} & enabled(SERVER)


def test_a_day_begins_at_midnight() -> None:
    now = datetime(2026, 1, 1, 0, 5)
    assert moment(datetime(2026, 1, 1, 0, 1), now) == "00:01"
    assert moment(datetime(2025, 12, 31, 23, 59), now) == "yesterday 23:59"
    assert moment(datetime(2025, 12, 30, 23, 59), now) == "2025-12-30 23:59"
    assert moment(datetime(2026, 1, 2, 1, 0), now) == "2026-01-02 01:00"  # a clock was wrong


def test_about_names_versions_and_addresses() -> None:
    server = replace(
        SERVER, version="9.8", endpoint="tcp:127.0.0.1:9531", rtsp="rtsp://127.0.0.1:8554/"
    )
    assert [each.text for each in find(menu(server), "About").children] == [
        f"twistedcam tray {__version__}",
        "Server: twistedcam 9.8",
        "Control port: tcp:127.0.0.1:9531",
        "Web page: http://127.0.0.1:8080/",
        "Viewers: twistedcam://127.0.0.1:9530",
        "RTSP: rtsp://127.0.0.1:8554/",
        "Recordings: /recordings",
    ]
    away = find(menu(ServerView(endpoint="tcp:127.0.0.1:9531")), "About").children
    assert [each.text for each in away][1:] == [
        "Server: not connected",
        "Control port: tcp:127.0.0.1:9531",
    ]


def test_the_start_with_the_desktop_is_switched() -> None:
    for is_on, word in ((True, "off"), (False, "on")):
        item = find(menu(replace(SERVER, autostart=is_on)), "Start with the desktop")
        assert (item.checked, item.action) == (is_on, Action("autostart", (word,)))


def test_a_server_without_cameras_is_set_up_in_the_page() -> None:
    empty = replace(SERVER, cameras=())
    assert menu(empty)[0].text == "The server has no camera"
    assert find(menu(empty), "Set up cameras").action == Action("page", ("setup",))
    assert "Stop" not in {each.text for each in menu(empty)}
    assert "Set up cameras…" not in enabled(replace(empty, page=None))


def test_a_server_that_nobody_has_configured_is_new() -> None:
    assert replace(SERVER, cameras=()).is_new
    assert only(CameraView("cam", source="auto:")).is_new
    assert not only(CameraView("cam", source="webcam:0")).is_new
    assert not ServerView().is_new


def test_shutting_down_asks_once() -> None:
    item = find(menu(SERVER), "Shut the server down")
    assert item.action is None
    (really,) = item.children
    assert really.action == Action("command", ("shutdown",))


def test_several_cameras_have_a_submenu_each() -> None:
    yard = CameraView("yard", state="stopped")
    items = menu(replace(SERVER, cameras=(replace(LIVE, recording="a.mp4"), yard)))
    assert items[0].text == "1 of 2 cameras live, 1 recording"
    door, other = find(items, "door"), find(items, "yard: stopped")
    assert find(door.children, "Record").checked
    assert find(other.children, "Start").action == Action("command", ("start", "yard"))
    assert find(other.children, "Open the viewer").action == Action("view", ("yard",))
    assert not find(other.children, "Stop").enabled


def test_viewers_are_counted_and_named_but_not_all_of_a_crowd() -> None:
    assert find(menu(SERVER), "Viewers").text == "Viewers: none"
    crowd = tuple(ViewerView(f"10.0.0.{n}:7", "tcp", "door", 29.96) for n in range(MAX_VIEWERS + 3))
    item = find(menu(replace(SERVER, viewers=crowd)), "Viewers")
    assert item.text == f"Viewers: {MAX_VIEWERS + 3}"
    assert item.children[0].text == "10.0.0.0:7 (tcp): door, 30.0 fps"
    assert item.children[-1].text == "and 3 more"


def test_the_tooltip_tells_camera_rate_viewers_and_recording_time() -> None:
    server = only(replace(LIVE, recording="a.mp4", recorded=3725))
    assert tooltip(server) == "door: live, 30.0 fps, recording 1:02:05, 2 viewers"


def test_the_icon_shows_the_gravest_state_of_all_cameras() -> None:
    lost = CameraView("lost", state="recovering")
    recording = CameraView("rec", state="live", recording="a.mp4")
    stopped = CameraView("off")
    assert replace(SERVER, cameras=(stopped, LIVE)).look == "live"
    assert replace(SERVER, cameras=(LIVE, recording)).look == "recording"
    assert replace(SERVER, cameras=(recording, lost)).look == "recovering"
    assert replace(SERVER, cameras=(lost,), connected=False).look == "away"


def test_durations_are_read_as_clocks_are() -> None:
    assert [duration(each) for each in (0, 9.99, 61, 3600)] == ["0:00", "0:09", "1:01", "1:00:00"]


def test_long_reasons_are_cut_to_one_short_line() -> None:
    assert shorten("a\nb  c") == "a b c"
    assert len(shorten("x" * 500)) == 60


cameras = st.builds(
    CameraView,
    name=st.text(min_size=1, max_size=8),
    state=st.sampled_from(["stopped", "starting", "live", "recovering"]),
    reason=st.none() | st.text(max_size=100),
    fps=st.floats(0, 1000),
    viewers=st.integers(0, 10**6),
    recording=st.none() | st.just("a.mp4"),
    recorded=st.floats(0, 1e6),
    preroll=st.sampled_from([0.0, 10.0]),
)
servers = st.builds(
    ServerView,
    connected=st.booleans(),
    reason=st.text(max_size=100),
    refused=st.booleans(),
    rights=st.frozensets(st.sampled_from(RIGHTS)),
    whole=st.booleans(),
    here=st.booleans(),
    cameras=st.lists(cameras, max_size=4).map(tuple),
    view=st.none() | st.just("twistedcam://127.0.0.1:1"),
    page=st.none() | st.just("http://127.0.0.1:1/"),
    folder=st.none() | st.just("/x"),
    serving=st.booleans(),
    autostart=st.booleans(),
    recordings=st.lists(
        st.builds(
            RecordingView,
            st.text(max_size=8),
            st.none() | st.just("door"),
            st.floats(0, 4e9),
            st.none() | st.floats(0, 1e6),
        ),
        max_size=3,
    ).map(tuple),
)


@given(servers)
def test_in_every_state_the_menu_can_be_shown_and_quit(server: ServerView) -> None:
    items = menu(server)
    assert items[-1].action == Action("quit")
    assert items[-1].enabled
    assert sum(each.default for each in items) == 1
    assert server.look in LOOKS
    assert tooltip(server)

    def check(found: tuple[MenuItem, ...]) -> None:
        for each in found:
            if each.action is not None and each.enabled and each.action.verb == "command":
                ends = each.action.words == ("shutdown",)
                assert server.may_administer if ends else server.may_control
            check(each.children)

    check(items)


def test_sound_is_muted_where_there_is_some() -> None:
    assert "Mute the sound" not in enabled(SERVER)
    for muted, word in ((False, "mute"), (True, "unmute")):
        server = only(replace(LIVE, muted=muted))
        item = find(menu(server), "Mute the sound")
        assert (item.action, item.checked) == (Action("command", (word, "door")), muted)
        assert menu(server)[0].text.endswith("muted") is muted
    for status, expected in (
        ({"muted": False, "audio": None}, None),
        ({"muted": False, "audio": "aac 48000 Hz"}, False),
        ({"muted": True, "audio": None}, True),
        ({"audio": "aac 48000 Hz"}, None),
    ):
        assert CameraView.from_status({"camera": "door", **status}).muted is expected
