"""``twistedcam token`` adds and lists tokens."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pytest

from twistedcam.auth import TokenFile
from twistedcam.cli import token
from twistedcam.errors import BadArgument


class Program:
    """The program with its file in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = TokenFile(folder / "tokens.toml")
        self._capsys = capsys

    def __call__(self, *words: str) -> str:
        """What it prints."""
        parser = argparse.ArgumentParser()
        token.add_arguments(parser)
        assert token.run(parser.parse_args([*words, "--tokens", str(self.file.path)])) == 0
        return self._capsys.readouterr().out


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(tmp_path, capsys)


def test_rights_cameras_and_expiry_are_shown(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("add", "desk", "--right", "view", "--right", "admin", "--right", "view")
    program("add", "guest", "--right", "view", "--camera", "door", "--expires", "30d")
    [desk, guest] = program("list").splitlines()
    assert desk == "desk  rights=view,admin  cameras=all"
    assert guest.startswith("guest  rights=view  cameras=door  expires=20")
    assert "expired" not in guest
    later = time.time() + 31 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    assert program("list").splitlines()[1] == f"{guest} (it has expired)"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 2_592_000), ("12h", 43_200), ("90m", 5400), ("1.5h", 5400)]
)
def test_a_duration_begins_now(program: Program, text: str, seconds: int) -> None:
    before = time.time()
    program("add", "guest", "--right", "view", "--expires", text)
    expires = program.file.read()["guest"].grant.expires
    assert expires is not None
    assert before - 1 <= expires - seconds <= time.time()


def test_a_date_is_the_end_of_that_day(program: Program) -> None:
    program("add", "guest", "--right", "view", "--expires", "2199-12-31")
    end = time.mktime((2200, 1, 1, 0, 0, 0, 0, 0, -1))
    assert program.file.read()["guest"].grant.expires == end


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "write 30d, 12h, or a date"),
        ("", "write 30d"),
        ("-5d", "write 30d"),
        ("0", "write 30d"),
        ("2027-02-30", "write 30d"),
        ("9e99d", "write 30d"),
        ("2020-01-01", "is in the past: it was 2020-01-02T"),
    ],
)
def test_an_invalid_expiry_is_refused(program: Program, text: str, said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        program("add", "guest", "--right", "view", f"--expires={text}")
    assert not program.file.path.exists()


def test_a_token_for_digest_is_in_the_file_and_another_one_is_not(program: Program) -> None:
    nvr = program("add", "nvr", "--right", "view", "--digest").strip()
    phone = program("add", "phone", "--right", "view").strip()
    text = program.file.path.read_text()
    assert nvr in text
    assert phone not in text
