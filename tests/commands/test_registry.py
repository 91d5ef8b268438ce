"""Commands are found by name, and their words become arguments."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from tests.support.fakes import make_server
from twistedcam.auth import Grant
from twistedcam.commands import Registry, standard_commands
from twistedcam.core.server import Server
from twistedcam.errors import (
    BadArgument,
    CameraNeeded,
    CommandError,
    NoSuchCamera,
    UnknownCommand,
)
from twistedcam.processing import Process
from twistedcam.processing.user_code import Code
from twistedcam.sources.spec import parse


def server(*cameras: str) -> Server:
    made = make_server(Clock(), Path(tempfile.gettempdir(), "never-written"))
    for name in cameras:
        made.add_camera(name, parse("pattern:"))
    return made


def registry() -> Registry:
    made = Registry()

    @made.command("record start", skips_camera=lambda _, word: "." in word)
    def record(
        server: Any, camera: Any, name: str | None = None, *, every: str = "", now: bool = False
    ) -> None:
        """Record.

        At once.
        """

    @made.command("say")
    def say(server: Any, word: str, rest: list[str]) -> None:
        """Say words."""

    @made.command("listen")
    def listen(server: Any, camera: Any = None) -> None:
        """Listen to one camera, or to all."""

    return made


def bound(line: str, *cameras: str) -> dict[str, Any]:
    command, rest = registry().find(line.split())
    found = command.bind(server(*(cameras or ("cam",))), rest)
    return {name: getattr(value, "name", value) for name, value in found.items()}


def test_usage_and_help_come_from_the_function() -> None:
    command = registry().get("record start")
    assert command.usage == "record start [CAMERA] [NAME] [--every EVERY] [--now]"
    assert command.summary == "Record."
    assert command.help == "Record.\n\nAt once."


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("record start", {"camera": "cam"}),
        ("record start cam", {"camera": "cam"}),
        ("record start a.mkv", {"camera": "cam", "name": "a.mkv"}),
        ("record start cam a", {"camera": "cam", "name": "a"}),
        ("record start --every 10s cam", {"camera": "cam", "every": "10s"}),
        ("record start cam a --every=10s", {"camera": "cam", "name": "a", "every": "10s"}),
        ("record start --now", {"camera": "cam", "now": True}),
        ("record start cam -- --now", {"camera": "cam", "name": "--now"}),
        ("say a b c", {"word": "a", "rest": ["b", "c"]}),
        ("say a", {"word": "a", "rest": []}),
        ("listen", {}),
        ("listen cam", {"camera": "cam"}),
    ],
)
def test_words_become_arguments(line: str, arguments: dict[str, Any]) -> None:
    assert bound(line) == arguments


@pytest.mark.parametrize(
    ("line", "cameras", "error"),
    [
        ("record start nope", ("cam",), NoSuchCamera),
        ("record start a.mkv", ("one", "two"), CameraNeeded),
        ("record start", ("one", "two"), CameraNeeded),
        ("record start cam a b", ("cam",), BadArgument),
        ("record start --never", ("cam",), BadArgument),
        ("record start --every", ("cam",), BadArgument),
        ("record start --now=1", ("cam",), BadArgument),
        ("say", ("cam",), BadArgument),
        ("listen nope", ("cam",), NoSuchCamera),
    ],
)
def test_invalid_words_are_refused(
    line: str, cameras: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        bound(line, *cameras)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("statsu", "did you mean 'status'"),
        ("recrod start", "did you mean 'record start'"),
        ("stat", r"did you mean 'status'\?"),
        ("STAT door", r"did you mean 'status'\?"),
        ("rec start", "did you mean 'record start'"),
        ("sta", "did you mean 'start' or 'status'"),
        ("s", "'help' lists them all"),
        ("clear", "'help' lists them all"),
        ("x" * 4000, "'help' lists them all"),
        ("record", "there is record start"),
        ("xyzzy", "'help' lists them all"),
    ],
)
def test_an_unknown_command_suggests_the_most_similar(line: str, hint: str) -> None:
    with pytest.raises(UnknownCommand, match=hint):
        standard_commands().find(line.split())


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("HELP", "help", []),
        ("Record Start Cam A.mp4", "record start", ["Cam", "A.mp4"]),
        ("exit", "quit", []),
        ("Bye", "quit", []),
        ("? Record Stop", "help", ["Record", "Stop"]),
    ],
)
def test_case_is_ignored_and_aliases_are_known(line: str, name: str, rest: list[str]) -> None:
    command, words = standard_commands().find(line.split())
    assert (command.name, words) == (name, rest)


def test_a_word_longer_than_any_command_is_compared_with_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(difflib, "get_close_matches", lambda *_: pytest.fail("compared"))
    for line in ("x" * 4000, "x" * 50 + " start", "status" * 100):
        with pytest.raises(UnknownCommand, match="'help' lists them all"):
            standard_commands().find(line.split())


def test_record_stop_defaults_to_the_only_recording_camera() -> None:
    made = server("door", "yard")
    command, rest = standard_commands().find(["record", "stop"])
    with pytest.raises(CameraNeeded):
        command.bind(made, rest)
    made.channels["yard"].recorder.start(None)
    assert command.bind(made, rest)["camera"].name == "yard"
    with pytest.raises(CameraNeeded):  # for a token that is not valid for it
        command.bind(made, rest, Grant("attendant", frozenset({"control"}), frozenset({"door"})))
    assert command.bind(made, ["door"])["camera"].name == "door"
    made.channels["door"].recorder.start(None)
    with pytest.raises(CameraNeeded):
        command.bind(made, rest)


def test_every_command_has_help_that_fits_a_line() -> None:
    for command in standard_commands():
        assert 0 < len(command.summary) <= 100, command.name
        assert command.summary.endswith("."), command.name


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("get fps", {"camera": "cam", "property": "fps"}),
        ("get brightness", {"camera": "cam", "property": "brightness"}),
        ("get cam.len fps", {"camera": "cam.len", "property": "fps"}),
        ("set fps 10", {"camera": "cam", "property": "fps", "value": "10"}),
        ("status", {"camera": "cam"}),
    ],
)
def test_cameras_of_user_code_do_not_count_for_the_default(
    line: str, arguments: dict[str, Any]
) -> None:
    it = server("cam")
    it.add_process(Process("cam", Code.of(len), "thread"))
    assert standard_bound(line, it) == arguments


@pytest.mark.parametrize("line", ["get fps", "get exposure_absolute", "set fps 10", "status"])
def test_with_several_cameras_a_property_needs_a_camera(line: str) -> None:
    with pytest.raises(CameraNeeded, match="one, two"):
        standard_bound(line, server("one", "two"))


def test_an_unknown_word_is_an_unknown_camera() -> None:
    with pytest.raises(NoSuchCamera, match="nope"):
        standard_bound("get nope", server("cam"))


def standard_bound(line: str, it: Server) -> dict[str, Any]:
    command, rest = standard_commands().find(line.split())
    found = command.bind(it, rest)
    return {name: getattr(value, "name", value) for name, value in found.items()}


@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["cam", "--", "--every", "fps"]))))
def test_any_words_are_bound_or_refused_by_name(words: list[str]) -> None:
    commands, it = standard_commands(), server("cam")
    for command in commands:
        try:
            command.bind(it, words)
        except CommandError as error:
            assert str(error)
