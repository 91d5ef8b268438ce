"""Hooks are read from a file, and match the events that they name."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import ROOT
from twistedcam.automation.hooks import TRIGGERS, Hook, expand, names_of, read_hooks
from twistedcam.errors import BadArgument
from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    Event,
    Fault,
    HookChanged,
    MotionChanged,
    RecordingChanged,
)


def hook(**table: Any) -> Hook:
    [found] = read_hooks([{"on": "motion:begin", "run": "true", **table}])
    return found


def test_a_table_is_read_with_its_defaults() -> None:
    found = hook(on=["motion:begin", "cat:end"], camera="door", timeout="5s", name="alarm")
    assert (found.name, found.on, found.camera) == ("alarm", ["motion:begin", "cat:end"], ["door"])
    assert (found.run, found.url, found.timeout, found.retries) == (["true"], None, 5.0, 3)
    assert [each.name for each in read_hooks([{"on": "fault", "run": "a"}] * 2)] == [
        "hook1",
        "hook2",
    ]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"on": []}, r"hook\[1\]\.on is missing"),
        (
            {"on": "motoin:begin"},
            r"hook\[1\]\.on: there is no event 'motoin': did you mean 'motion'",
        ),
        ({"on": "motion:stop"}, r"there are motion:begin, motion:end"),
        ({"on": "recording:"}, "recording:finished"),
        ({"on": "cat:seen"}, "cat:begin, cat:end"),
        ({"run": []}, r"hook\[1\] needs either run or url"),
        ({"url": "https://example.org"}, r"hook\[1\] needs either run or url"),
        ({"run": [], "url": "ftp://example.org"}, r"hook\[1\]\.url has to be an address"),
        ({"run": [""]}, r"hook\[1\]\.run has to be a program"),
        ({"timeout": "soon"}, r"hook\[1\]\.timeout='soon' is not a duration"),
        ({"timeout": "2d"}, "a day at most"),
        ({"retries": 101}, r"hook\[1\]\.retries has to be a whole number from 0 to 100"),
        ({"when": "always"}, r"hook\[1\]\.when='always' is not valid"),
        ({"name": "two words"}, r"hook\[1\]\.name='two words' is not a name"),
        ({"tiemout": 3}, r"no hook setting 'hook\[1\]\.tiemout': did you mean 'timeout'"),
        ({"headers": {"A": "b"}}, r"hook\[1\]\.headers is for url only"),
        ({"environment": {"A": "${env:NOT_SET}"}}, r"hook\[1\]\.environment\.A: .*'NOT_SET'"),
        ({"environment": {"A": "${file:/nowhere}"}}, "/nowhere cannot be read: No such file"),
        ({"run": [], "url": "http://x", "headers": {"A": "b\nc"}}, "headers.A must be one line"),
    ],
)
def test_a_wrong_table_is_refused_by_its_key(table: dict[str, Any], message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        hook(**table)


@pytest.mark.parametrize("tables", [{"on": "motion"}, ["motion"], "x"])
def test_hooks_are_a_list_of_tables(tables: Any) -> None:
    with pytest.raises(BadArgument, match=r"\[\[hook\]\]"):
        read_hooks(tables)


def test_two_hooks_need_two_names() -> None:
    with pytest.raises(BadArgument, match=r"hook\[2\]\.name: two hooks are named 'a'"):
        read_hooks([{"on": "fault", "run": "x", "name": "a"}] * 2)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (MotionChanged("door", "begin", "a"), "motion:begin"),
        (DetectionChanged("door", "cat", "end", "a"), "cat:end"),
        (CameraChanged("door", "recovering"), "state:recovering"),
        (RecordingChanged("door", "finished", "x.mp4"), "recording:finished"),
        (Fault(None, "disk", "full"), "fault:disk"),
        (HookChanged("door", "x", "failed", "motion:begin", 1), "hook:failed"),
    ],
)
def test_an_event_runs_the_hooks_that_name_it(event: Event, name: str) -> None:
    assert names_of(event)[0] == name
    assert hook(on=name).matches(event, 0.0) == name
    assert hook(on=name.partition(":")[0]).matches(event, 0.0) == name
    others = [each for each in ("motion:end", "viewer:left", "dog") if each != name]
    assert hook(on=others).matches(event, 0.0) is None


def test_any_event_of_user_code_is_a_detection() -> None:
    event = DetectionChanged("door", "cat", "begin", "a")
    assert hook(on="detection:begin").matches(event, 0.0) == "cat:begin"


def test_a_hook_can_be_for_some_cameras() -> None:
    both = hook(camera=["door", "yard"])
    assert both.matches(MotionChanged("yard", "begin", "a"), 0.0)
    assert not both.matches(MotionChanged("hall", "begin", "a"), 0.0)
    assert not hook(on="fault", camera="door").matches(Fault(None, "disk", "full"), 0.0)


def test_a_hook_can_be_for_some_hours() -> None:
    by_day = hook(when="mo-fr 07:00-18:00")
    event = MotionChanged("door", "begin", "a")
    assert by_day.matches(event, datetime(2026, 6, 1, 12).timestamp())
    assert not by_day.matches(event, datetime(2026, 6, 1, 19).timestamp())


def test_hooks_do_not_run_each_other_for_ever() -> None:
    on_failure = hook(on="hook:failed", name="tell")
    assert on_failure.matches(HookChanged(None, "upload", "failed", "motion:end", 4), 0.0)
    assert not on_failure.matches(HookChanged(None, "tell", "failed", "motion:end", 4), 0.0)
    assert not on_failure.matches(HookChanged(None, "other", "failed", "hook:failed", 4), 0.0)


def test_secrets_come_from_variables_and_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    text = f"${{env:NAME}} and ${{file:{tmp_path / 'token'}}} and $HOME"
    assert expand(text, "url", {"NAME": "a variable"}) == "a variable and from a file and $HOME"


def test_the_address_is_shown_without_what_may_be_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT", "s3cret")
    found = hook(run=[], url="https://me:pass@example.org:8443/${env:BOT}/send?key=s3cret")
    assert found.shown == "https://example.org:8443/…"
    assert hook(run=["/usr/bin/rclone", "--password=x"]).shown == "/usr/bin/rclone"


def test_the_documented_hooks_are_valid() -> None:
    text = (ROOT / "docs" / "hooks.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 6
    for block in blocks:
        assert read_hooks(tomllib.loads(re.sub(r"\$\{(env|file):[^}]*\}", "x", block))["hook"])


def test_hooks_can_be_for_every_documented_change_of_a_recording() -> None:
    text = (ROOT / "docs" / "control-protocol.md").read_text()
    [words] = re.findall(r"^\| `recording` \| `camera`, `what` \((.*?)\)", text, re.MULTILINE)
    documented = re.findall(r"`(\w+)`", words)
    assert sorted(documented) == sorted(TRIGGERS["recording"] or ())


def test_all_events_of_the_server_are_known() -> None:
    assert set(TRIGGERS) == {each.kind for each in Event.__subclasses__()}
