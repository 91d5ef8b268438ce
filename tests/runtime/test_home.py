"""Paths in home folders, and users who have none."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.support.process import ROOT
from twistedcam.automation.hooks import expand
from twistedcam.cli.ctl import history_file
from twistedcam.cli.main import main
from twistedcam.config.places import check_place, offered_places
from twistedcam.errors import BadArgument
from twistedcam.runtime.home import expand_home, home_folder

WRONG = "~no-such-user/x"


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has no home folder, as one of a container that only has a number."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)


def test_a_path_in_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expand_home("~/x") == Path("/home/me/x")
    assert expand_home("a/~b") == Path("a/~b")
    assert home_folder() == Path("/home/me")


def test_a_user_who_does_not_exist_is_named() -> None:
    with pytest.raises(BadArgument, match="'~no-such-user/x' is in no home folder: there is no"):
        expand_home(WRONG)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_folder_only_paths_in_it_are_refused(tmp_path: Path) -> None:
    assert expand_home(tmp_path / "x") == tmp_path / "x"
    for find in (home_folder, history_file, lambda: expand_home("~/x")):
        with pytest.raises(BadArgument, match="this user has none, set HOME"):
            find()
    assert offered_places(tmp_path)[0]["folder"] == str(tmp_path)
    check_place(tmp_path, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        *(f"serve --check --{name} {WRONG}" for name in ("recordings", "config", "log", "tokens")),
        f"serve --check --camera file:{WRONG}",
        f"serve --check --camera {WRONG} --publish hls:{WRONG}",
        f"tls-init --dir {WRONG}",
        f"token add me --right view --tokens {WRONG}",
        f"token list --tokens {WRONG}",
        f"service show --serve '--recordings {WRONG}'",
    ],
)
def test_commands_say_what_is_wrong_in_one_line(
    options: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(options)) == 2
    told = capsys.readouterr().err
    assert told.startswith("twistedcam: ")
    assert told.count("\n") == 1


def test_a_hook_s_secret_in_a_file_of_nobody_is_refused() -> None:
    with pytest.raises(BadArgument, match="there is no user 'no-such-user'"):
        expand("${file:~no-such-user/x}", "hook", {})


def test_no_other_module_looks_for_home_folders() -> None:
    found = [
        str(file.relative_to(ROOT))
        for folder in ("twistedcam", "tray", "client")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"\bexpanduser\(|Path\.home\(", file.read_text())
    ]
    assert found == ["twistedcam/runtime/home.py"]
