"""What pip installs works from anywhere: the program, the twistd plugin, the viewer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.process import PATIENCE, ROOT, wait_for
from tests.support.venvs import environment
from twistedcam.version import __version__

LOCAL = "tcp:0:interface=127.0.0.1"
OPTIONS = ["--camera", "pattern:?size=320x240", "--listen", LOCAL, "--control", LOCAL]
OPTIONS += ["--http", LOCAL, "--no-rtsp"]


@pytest.fixture(scope="module", params=["plain", "editable"])
def bin(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The bin folder of an empty venv that twistedcam was installed into."""
    folder: Path = request.getfixturevalue(request.param)
    yield folder
    if request.param == "editable":  # pip left the project's metadata as it found them, or anew
        assert not (ROOT / "build").exists()


def test_serve_runs_from_any_folder(bin: Path, elsewhere: Path) -> None:
    server = subprocess.Popen(
        [bin / "twistedcam", "serve", *OPTIONS],
        cwd=elsewhere,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert b"serves cam" in server.stdout.readline()
    server.send_signal(signal.SIGTERM)
    _, log = server.communicate(timeout=PATIENCE)
    assert server.returncode == 0, log.decode()
    assert b"Traceback" not in log


def test_the_viewer_is_a_module_too(bin: Path, elsewhere: Path) -> None:
    done = subprocess.run(
        [bin / "python", "-m", "client", "--help"],
        cwd=elsewhere,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--headless" in done.stdout


def test_twistd_runs_it_as_a_daemon_with_pid_and_log_file(bin: Path, elsewhere: Path) -> None:
    port = free_port()
    files = ["--pidfile", elsewhere / "cam.pid", "--logfile", elsewhere / "cam.log"]
    options = [*OPTIONS[:4], "--control", f"tcp:{port}:interface=127.0.0.1"]
    options += ["--no-http", "--no-rtsp"]
    subprocess.run(
        [bin / "twistd", *files, "twistedcam", *options],
        cwd=elsewhere,
        env=environment(),
        check=True,
        timeout=PATIENCE,
    )
    pid = int(wait_for(lambda: (elsewhere / "cam.pid").read_text(), "the pid file"))
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as control:
            control.sendall(b"shutdown\n")
            assert control.recv(100).startswith(b"OK twistedcam 1 ")
            wait_for(lambda: not (elsewhere / "cam.pid").exists(), "the daemon's end")
    finally:
        if (elsewhere / "cam.pid").exists():
            os.kill(pid, signal.SIGTERM)
    log = (elsewhere / "cam.log").read_text()
    assert "Traceback" not in log, log


def test_twistd_says_what_will_not_do_in_one_line(bin: Path, elsewhere: Path) -> None:
    for options, code in ((["--camera", "nonsense:"], 2), (["--colour"], 2)):
        done = subprocess.run(
            [bin / "twistd", "-n", "twistedcam", *options],
            cwd=elsewhere,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code
        assert "Traceback" not in done.stderr


def test_the_version_is_the_same_everywhere(bin: Path, elsewhere: Path) -> None:
    said = subprocess.run(
        [bin / "twistedcam", "--version"], cwd=elsewhere, capture_output=True, text=True, check=True
    ).stdout
    assert said.strip() == f"twistedcam {__version__}"
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_dependency_has_its_reason_in_the_documents() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = (ROOT / "docs/dependencies.md").read_text()
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(each for extra in extras for each in extra)]:
        name = requirement.split(";")[0].split("[")[0].strip().rstrip("<>=.0123456789,!~ ")
        name = name.split(">")[0].split("<")[0].split("=")[0].strip()
        assert f"`{name}" in table, f"docs/dependencies.md has no row for {name}"


def test_every_package_and_the_files_of_the_page_are_installed(plain: Path) -> None:
    installed = next((plain.parent / "lib").glob("python3*/site-packages"))
    for top in ("twistedcam", "client", "tray"):
        for file in (ROOT / top).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert (installed / file.relative_to(ROOT)).exists(), file


def test_the_source_archive_has_every_folder_and_the_files_of_make() -> None:
    words = [line.split() for line in (ROOT / "MANIFEST.in").read_text().splitlines()]
    packed = {name for verb, *names in words if verb in ("graft", "include") for name in names}
    packed |= {
        "LICENSE",
        "MANIFEST.in",
        "README.md",
        "pyproject.toml",
        "setup.py",
    }  # packed by setuptools
    packed |= {"client", "tray", "twisted", "twistedcam"}
    committed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    for name in committed:
        if not name.startswith("."):
            patterns = (name.split("/")[0], name, f"{Path(name).parent}/*{Path(name).suffix}")
            assert packed.intersection(patterns), f"MANIFEST.in leaves out {name}"
