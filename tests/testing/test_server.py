"""A server for tests has free ports, tells its addresses, and leaves nothing behind."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import PATIENCE
from twistedcam import connect, read_barcode
from twistedcam.auth import Grant
from twistedcam.auth.tokens import TokenFile
from twistedcam.errors import CommandError, StartupError
from twistedcam.testing import CameraServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraServer]:
    tokens = tmp_path_factory.mktemp("tokens") / "tokens.toml"
    token = TokenFile(tokens).add(Grant("tests", frozenset({"view", "control"})))
    options = ["--stopped", "--no-rtsp", "--tokens", str(tokens)]
    with CameraServer(*options, token=token) as running:
        assert running.recordings.is_dir()
        yield running
    assert running._process is not None
    assert running._process.poll() == 0
    assert not running.recordings.exists(), "its folder was to be temporary"


def test_it_tells_its_addresses(server: CameraServer) -> None:
    assert server.url().startswith("twistedcam://127.0.0.1:")
    assert server.url("door").endswith("/door")
    assert server.control.startswith("127.0.0.1:")
    address = f"{server.http}/healthz?token={server._token}"
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        assert answer.status == 200
    with pytest.raises(LookupError, match="without this port"):
        server.rtsp()


def test_it_takes_commands(server: CameraServer) -> None:
    assert server.status()["state"] == "stopped"
    server.command("start")
    assert server.wait_for_state("live")["camera"] == "cam"
    for frame in connect(server.url(), reconnect=False, token=server._token):
        assert read_barcode(frame.image) is not None
        break
    with pytest.raises(CommandError):
        server.command("status", "attic")
    with pytest.raises(TimeoutError, match="cam is live"):
        server.wait_for_state("stopped", timeout=0)


def test_a_folder_of_the_test_is_kept_and_a_wrong_option_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(StartupError, match="there is no source 'nothing'"),
        CameraServer("--camera", "nothing:", recordings=tmp_path),
    ):
        pass
    assert tmp_path.exists()
