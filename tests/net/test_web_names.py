"""Host names and origins get the form that browsers send, or are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.process import run_program
from twistedcam.errors import BadArgument
from twistedcam.net.web_names import parse_name, parse_origin


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("*", "*"),
        ("http://printer.local", "http://printer.local"),
        ("HTTPS://Cam.Example.ORG:8443", "https://cam.example.org:8443"),
        ("http://printer.local:80", "http://printer.local"),
        ("https://printer.local:443", "https://printer.local"),
        ("http://192.0.2.1:8080", "http://192.0.2.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://b\N{LATIN SMALL LETTER U WITH DIAERESIS}ro.example", "http://xn--bro-hoa.example"),
    ],
)
def test_a_site_is_kept_as_browsers_spell_it(given: str, meant: str) -> None:
    assert parse_origin(given) == meant


@pytest.mark.parametrize(
    "given",
    [
        "http://printer.local/", "printer.local", "ftp://x", "http://", "", "http://a b", "//x",
        "http://x:port", "http://x/page", "http://x?y=z", "http://x#y", "http://*.local", "http://[::1",
        "http://me@x", "http://x:99999", "http://" + "a" * 64,
    ],
)  # fmt: skip
def test_a_site_that_no_browser_names_is_refused_with_the_way_to_write_it(given: str) -> None:
    with pytest.raises(BadArgument, match="write http://HOST or https://HOST, with :PORT"):
        parse_origin(given)


def test_a_name_is_kept_as_browsers_spell_it() -> None:
    for given in ("cam.example.org", "Cam.Example.org", "cam.example.org."):
        assert parse_name(given) == "cam.example.org"


@pytest.mark.parametrize(
    "given", ["cam.example.org:8080", "http://cam.example.org", "cam/", "*", "*.local", "", "a b"]
)  # fmt: skip
def test_a_name_that_no_host_has_is_refused_with_the_way_to_write_it(given: str) -> None:
    with pytest.raises(BadArgument, match="write it without http:// and port"):
        parse_name(given)


def test_the_program_reports_it_in_a_line_and_does_not_start(tmp_path: Path) -> None:
    config = tmp_path / "cam.toml"
    config.write_text('http-cors = ["http://printer.local/"]\n')
    for words in (
        ("--http-cors", "printer.local"),
        ("--http-name", "x:1"),
        ("--config", str(config)),
    ):
        done = run_program("twistedcam", "serve", "--check", "--camera", "pattern:", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1 and "write" in done.stderr
