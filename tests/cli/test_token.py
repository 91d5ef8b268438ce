"""``twistedcam token`` adds and lists tokens."""

from __future__ import annotations

import argparse
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.http_server import serve
from tests.support.ports import free_port
from twistedcam.auth import Grant, TokenFile
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
    program("add", "nvr", "--right", "view", "--digest")
    assert program("list").splitlines()[2] == "nvr  rights=view  cameras=all  digest"
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


def test_a_qr_code_has_the_address_that_opens_the_page(
    program: Program, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Read by another decoder than that of the library that makes it."""
    import cv2
    import numpy as np

    program.file.add(Grant("desk", frozenset({"view"})))
    with serve(tmp_path, "--camera", "cam=pattern:?size=320x240", "--tokens",
               str(program.file.path)) as server:  # fmt: skip
        parser = argparse.ArgumentParser()
        token.add_arguments(parser)
        words = ["add", "phone", "--right", "view", "--tokens", str(program.file.path), "--qr"]
        assert token.run(parser.parse_args([*words, server.http])) == 0
        said = capsys.readouterr()
        assert said.err.endswith("stores only a hash of this token:\n")  # nothing is wrong
        secret, address, *code = said.out.splitlines()
        assert address == f"{server.http}/?token={secret}"
        request = urllib.request.Request(address, headers={"Accept": "text/html"})
        cookies = urllib.request.HTTPCookieProcessor()
        with urllib.request.build_opener(cookies).open(request) as answer:
            assert answer.url == f"{server.http}/?login=1"
            assert b'<a href="stream/cam">' in answer.read()
    rows = []
    for line in code:
        top = [each in "█▀" for each in line]
        rows += [top, [each in "█▄" for each in line]]
    width = max(map(len, rows))
    bits = np.array([row + [True] * (width - len(row)) for row in rows], np.uint8) * 255
    picture = cv2.resize(np.pad(bits, 4, constant_values=255), None, fx=8, fy=8,
                         interpolation=cv2.INTER_NEAREST)  # fmt: skip
    assert cv2.QRCodeDetectorAruco().detectAndDecode(picture)[0] == address


def test_a_token_that_can_only_publish_opens_the_page_for_that(
    program: Program, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program.file.add(Grant("desk", frozenset({"view"})))
    with serve(tmp_path, "--camera", "my phone=push:", "--tokens",
               str(program.file.path)) as server:  # fmt: skip
        parser = argparse.ArgumentParser()
        token.add_arguments(parser)
        words = ["add", "phone", "--right", "publish", "--tokens", str(program.file.path)]
        words += ["--camera", "my phone", "--qr", server.http]
        assert token.run(parser.parse_args(words)) == 0
        said = capsys.readouterr()
        assert said.err.endswith("stores only a hash of this token:\n")  # nothing is wrong
        secret, address, *_ = said.out.splitlines()
        assert address == f"{server.http}/publish/my%20phone?token={secret}"
        request = urllib.request.Request(address, headers={"Accept": "text/html"})
        cookies = urllib.request.HTTPCookieProcessor()
        with urllib.request.build_opener(cookies).open(request) as answer:
            assert answer.url == f"{server.http}/publish/my%20phone"
            assert b'<base href="../">' in answer.read()


@pytest.mark.parametrize("text", ["ftp://x", "http://", "http://x:y", "http://x/?token=1"])
def test_no_token_is_made_for_an_address_that_is_none(program: Program, text: str) -> None:
    with pytest.raises(BadArgument, match="write the address of the page"):
        program("add", "phone", "--right", "view", "--qr", text)
    assert not program.file.path.exists()


def test_an_address_where_nobody_answers_is_said(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    token.add_arguments(parser)
    words = ["add", "phone", "--right", "view", "--tokens", str(program.file.path), "--qr"]
    token.run(parser.parse_args([*words, f"127.0.0.1:{free_port()}"]))
    said = capsys.readouterr().err
    assert "now this address does not open the page: " in said
    assert "start the server with --http 0.0.0.0:8080 --tokens FILE" in said
