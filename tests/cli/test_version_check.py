"""``twistedcam version`` asks an index for the newest release only if it is told to."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from twistedcam.cli import version_check
from twistedcam.cli.main import main
from twistedcam.errors import NotSupported
from twistedcam.version import __version__


class Index:
    """An index of packages, with some releases of twistedcam."""

    def __init__(self, *versions: str) -> None:
        self.requests: list[str] = []
        files = [f"twistedcam-{version}-py3-none-any.whl" for version in versions]
        page = "".join(f'<a href="/{name}">{name}</a>' for name in files).encode()
        told = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told.append(self.path)
                self.send_response(200 if versions else 404)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    """Makes an index that pip uses."""
    made: list[Index] = []

    def make(*versions: str) -> Index:
        made.append(Index(*versions))
        monkeypatch.setenv("PIP_INDEX_URL", made[-1].url)
        return made[-1]

    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("PIP_RETRIES", "0")
    yield make
    for each in made:
        each.close()


def test_a_newer_release_is_named_and_nothing_is_asked_without_check(
    ask, capsys: pytest.CaptureFixture[str]
) -> None:
    index = ask("0.0.1", "99.10", "99.9")
    assert main(["version"]) == 0
    assert (capsys.readouterr().out, index.requests) == (f"twistedcam {__version__}\n", [])
    assert main(["version", "--check"]) == 0
    assert capsys.readouterr().out == f"twistedcam {__version__}\n99.10 is available\n"
    assert index.requests == ["/simple/twistedcam/"]


def test_the_newest_release_says_so(ask, capsys: pytest.CaptureFixture[str]) -> None:
    ask("0.0.1", __version__)
    assert main(["version", "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": __version__, "newest": __version__}
    assert main(["version", "--check"]) == 0
    assert capsys.readouterr().out.endswith("this is the newest release\n")


def test_an_index_without_it_is_one_line_and_a_failure(
    ask, capsys: pytest.CaptureFixture[str]
) -> None:
    ask()
    with pytest.raises(NotSupported, match="the newest release is not known"):
        version_check.newest_version()
    assert main(["version", "--check"]) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "No matching distribution" in said.err


def test_a_python_without_pip_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 'python: No module named pip' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(version_check.sys, "executable", str(fake))
    with pytest.raises(NotSupported, match="has no pip"):
        version_check.newest_version()
