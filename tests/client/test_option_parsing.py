"""Which words of ``view`` are cameras, and which belong to an option."""

from __future__ import annotations

import argparse

import pytest

from client.main import add_arguments

A, B, UNIX = "twistedcam://host/door", "host/yard", "twistedcam+unix:/run/cam"


def parse(line: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(line.split())


@pytest.mark.parametrize(
    ("line", "cameras", "control", "stats"),
    [
        ("", [], None, None),
        (f"--control {A}", [A], "", None),
        (f"--control {B} {A}", [B, A], "", None),
        (f"{A} --control {UNIX}", [A, UNIX], "", None),
        (f"--control host:99 {A}", [A], "host:99", None),
        (f"--control unix:/run/x {A}", [A], "unix:/run/x", None),
        (f"--control --stats {A}", [A], "", "line"),
        (f"--stats {A} {B}", [A, B], None, "line"),
        (f"--stats json {A} --control", [A], "", "json"),
    ],
)
def test_an_address_behind_an_option_is_a_camera(
    line: str, cameras: list[str], control: str | None, stats: str | None
) -> None:
    found = parse(line)
    assert (found.url, found.control, found.stats) == (cameras, control, stats)
    assert parse("").url == []


def test_a_form_of_figures_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("--stats jsno")
    assert caught.value.code == 2
    assert "argument --stats: 'jsno' is not line or json" in capsys.readouterr().err
