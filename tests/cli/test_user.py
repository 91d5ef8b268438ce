"""``twistedcam user`` adds, lists and removes users."""

from __future__ import annotations

import argparse
import getpass
import io
import sys
from pathlib import Path

import pytest

from twistedcam.auth import TokenFile
from twistedcam.auth.users import is_password
from twistedcam.cli import user
from twistedcam.errors import BadArgument


class Terminal(io.StringIO):
    """A standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


def run(folder: Path, *words: str) -> None:
    parser = argparse.ArgumentParser()
    user.add_arguments(parser)
    assert user.run(parser.parse_args([*words, "--tokens", str(folder / "tokens.toml")])) == 0


def test_users_are_added_with_a_role_listed_changed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    monkeypatch.setattr(sys, "stdin", io.StringIO("first secret\nsecond secret\nthird secret\n"))
    run(tmp_path, "add", "anna", "--role", "admin")
    run(tmp_path, "add", "guest", "--camera", "door", "--expires", "30d")
    run(tmp_path, "list")
    anna, guest = capsys.readouterr().out.splitlines()
    assert anna == "anna  role=admin  cameras=all"
    assert guest.startswith("guest  role=view  cameras=door  expires=20")
    assert is_password(file.read_all().users["anna"], "first secret")
    run(tmp_path, "passwd", "anna")
    assert is_password(file.read_all().users["anna"], "third secret")
    run(tmp_path, "remove", "guest")
    assert list(file.read_all().users) == ["anna"]
    with pytest.raises(BadArgument, match="no user 'eve'"):
        run(tmp_path, "passwd", "eve")


def test_on_a_terminal_a_password_is_typed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["one secret", "another secret", "one secret", "one secret"])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
    with pytest.raises(BadArgument, match="not the same"):
        run(tmp_path, "add", "anna")
    assert not (tmp_path / "tokens.toml").exists()
    run(tmp_path, "add", "anna")
    assert is_password(TokenFile(tmp_path / "tokens.toml").read_all().users["anna"], "one secret")
