"""The lines of the dashboard of ``ctl watch``."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.cli.colours import Styler
from twistedcam.cli.dashboard import MAX_EVENTS, Dashboard, amount, duration


def camera(name: str = "cam", **fields: Any) -> dict[str, Any]:
    return {
        "camera": name,
        "state": "live",
        "size": "640x480",
        "fps": 29.97,
        "viewers": 2,
        "age_ms": 31.4,
        "uptime": 3723.4,
        **fields,
    }


def dashboard(*cameras: dict[str, Any], styler: Styler | None = None) -> Dashboard:
    made = Dashboard("tcp:host:9531", styler or Styler())
    made.update("1.2.3", list(cameras))
    return made


def test_a_camera_is_a_line() -> None:
    recording = {"recording": "a.mkv", "recording_seconds": 61.9, "recording_bytes": 2_500_000}
    lines = dashboard(camera(), camera("door", **recording)).lines(12, "12:34:56")
    assert lines[:5] == [
        "twistedcam 1.2.3 · tcp:host:9531 · up 1:02:03 · 12:34:56",
        "",
        "camera  state       size       fps   viewers  age      recording",
        "cam     live        640x480    30.0  2        31 ms    -",
        "door    live        640x480    30.0  2        31 ms    1:01  2.5 MB  a.mkv",
    ]


def test_long_names_leave_room_for_the_recording() -> None:
    recording = {"recording_seconds": 61.9, "recording_bytes": 2_500_000, "recording": "x" * 64}
    [line] = [
        each for each in dashboard(camera("y" * 64, **recording)).lines(12, "") if "yyy" in each
    ]
    assert line.startswith("y" * 19 + "…  live")
    assert "1:01  2.5 MB" in line[:90]


def test_reasons_are_below_their_camera() -> None:
    lines = dashboard(
        camera(state="recovering", reason="it was \x1bunplugged", recording_reason="disk full")
    ).lines(12, "")
    assert lines[3:6] == [
        "cam     recovering  -          -     2        31 ms    -",
        "  it was  unplugged",
        "  disk full",
    ]


def test_the_newest_events_are_at_the_end() -> None:
    made = dashboard(camera())
    for number in range(MAX_EVENTS + 10):
        made.add_event({"event": "fault", "code": str(number)}, "01:02:03")
    lines = made.lines(12, "")
    newest = [f"01:02:03 event: fault code={number}" for number in range(504, 510)]
    assert lines[4:] == ["", *newest, "q quits"]


def test_an_error_is_shown_until_the_server_answers() -> None:
    made = dashboard(camera())
    made.set_unreachable("it is gone")
    assert "it is gone" in made.lines(12, "")[0]
    assert made.lines(12, "")[3].split() == ["cam", "unknown", *"-----"]
    made.update("1.2.3", [camera()])
    assert "it is gone" not in made.lines(12, "")[0]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 60))
def test_the_dashboard_fits_any_terminal(cameras: int, events: int, height: int) -> None:
    made = dashboard(*(camera(f"cam{number}") for number in range(cameras)))
    for number in range(events):
        made.add_event({"event": "fault", "code": str(number)}, "")
    lines = made.lines(height, "")
    assert len(lines) <= height
    shown = [line for line in lines if re.match(r"cam\d", line)]
    if height >= 4:
        assert lines[-1] == "q quits"
        assert len(shown) == cameras or f"{cameras - len(shown)} more lines" in lines
    if height >= 12 and events:
        assert f"event: fault code={events - 1}" in lines


def test_states_are_coloured_without_moving_the_columns() -> None:
    plain = dashboard(camera(), camera("door", state="stopped")).lines(12, "")
    colourful = dashboard(camera(), camera("door", state="stopped"), styler=Styler(True)).lines(
        12, ""
    )
    assert "\x1b[32mlive\x1b[0m" in colourful[3]
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in colourful] == plain


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (7.9, "0:07"), (754, "12:34"), (3600, "1:00:00"), (273_906, "3d 4:05:06")],
)
def test_a_duration_reads_like_a_clock(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_999, "1.0 MB"), (3.2e12, "3.2 TB")],
)
def test_an_amount_has_a_unit(size: float, shown: str) -> None:
    assert amount(size) == shown


def test_a_muted_or_lost_sound_is_told() -> None:
    muted = camera(muted=True, audio_reason="another program uses it")
    lost = camera(muted=False, audio_reason="another program uses it")
    assert dashboard(muted).lines(12, "")[4] == "  the sound is muted"
    assert dashboard(lost).lines(12, "")[4] == "  sound: another program uses it"
