"""The line to the server: real servers, in processes of their own."""

from __future__ import annotations

import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess
from tests.support.system import require_program
from tray.address import Address
from tray.link import ServerLink
from tray.notices import NotificationFilter
from tray.state import ServerView
from twistedcam.auth import Grant, TokenFile
from twistedcam.errors import CertificateRefused
from twistedcam.version import __version__

CAMERAS = ("--camera", "door=pattern:?size=160x120&fps=20", "--camera", "yard=pattern:?fps=5")


class Heard:
    """A ServerLink, and what it told."""

    def __init__(self, address: Address) -> None:
        self.states: queue.Queue[ServerView] = queue.Queue()
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.link = ServerLink(address, self.states.put, self.events.put)

    def until(self, wanted: Callable[[ServerView], bool]) -> ServerView:
        """The first state, from now on, that is as wanted."""
        while not wanted(state := self.states.get(timeout=PATIENCE)):
            pass
        return state


@pytest.fixture
def start() -> Iterator[Callable[[Address], Heard]]:
    """Starts links, and sees that none is left."""
    started: list[Heard] = []

    def begin(address: Address) -> Heard:
        started.append(Heard(address))
        started[-1].link.start()
        return started[-1]

    yield begin
    for each in started:
        each.link.stop()
        each.link.join(PATIENCE)
        assert not each.link.is_alive()
    assert not [each for each in threading.enumerate() if each.name.startswith("tray")]


def address(server: ServerProcess) -> Address:
    """Where its control port is."""
    host, port = server.control
    return Address(f"tcp:{host}:{port}")


def test_it_tells_of_all_cameras_and_of_what_others_do_to_them(
    tmp_path: Path, start: Callable[[Address], Heard]
) -> None:
    with ServerProcess(tmp_path, *CAMERAS) as server:
        heard = start(address(server))
        state = heard.until(lambda state: state.look == "live")
        assert [each.name for each in state.cameras] == ["door", "yard"]
        assert state.view == "twistedcam://{}:{}".format(*server.frames)
        assert state.folder == str(tmp_path)
        assert state.version == __version__
        server.command_lines("stop yard", "record start door")
        state = heard.until(lambda state: state.look == "recording")
        assert state.cameras[1].state == "stopped"
        heard.until(lambda state: state.connected and state.cameras[0].recorded > 0)
        server.command_lines("record stop door")
        heard.until(lambda state: state.connected and state.cameras[0].recording is None)
        (found,) = heard.until(lambda state: bool(state.recordings)).recordings
        assert (found.camera, (tmp_path / found.name).exists()) == ("door", True)
        assert found.seconds is not None
        assert abs(time.time() - found.start) < PATIENCE
        server.command_lines(f"recordings delete {found.name}")
        heard.until(lambda state: not state.recordings)
        finished = {"event": "recording", "what": "finished"}
        while not finished.items() <= heard.events.get(timeout=PATIENCE).items():
            pass


def test_a_camera_whose_rate_is_set_is_not_told_to_be_lost(
    tmp_path: Path, start: Callable[[Address], Heard]
) -> None:
    with ServerProcess(tmp_path, *CAMERAS) as server:
        heard = start(address(server))
        heard.until(lambda state: {each.state for each in state.cameras} == {"live"})
        server.command_lines("set door fps 5")
        notices, states, told = NotificationFilter(), [""], set()
        while states[-2:] != ["recovering", "live"]:
            event = heard.events.get(timeout=PATIENCE)
            told.add(notices.of(event))
            if (event.get("camera"), event["event"]) == ("door", "state"):
                states.append(event["state"])
        assert told == {None}


def test_it_comes_back_by_itself_when_the_server_does(
    tmp_path: Path, start: Callable[[Address], Heard]
) -> None:
    port = free_port()
    heard = start(Address(f"tcp:127.0.0.1:{port}"))
    nobody = heard.until(lambda state: bool(state.reason))
    assert not nobody.connected
    assert nobody.reason == "The camera server is not running"
    assert not nobody.refused
    own = ("--control", f"tcp:{port}:interface=127.0.0.1", *CAMERAS)
    for _ in range(2):
        with ServerProcess(tmp_path, *own):
            heard.until(lambda state: state.connected)
        away = heard.until(lambda state: not state.connected)
        assert away.reason
        assert away.look == "away"


def test_it_tells_what_its_token_allows(tmp_path: Path, start: Callable[[Address], Heard]) -> None:
    file = TokenFile(tmp_path / "tokens.toml")
    view, control = frozenset({"view"}), frozenset({"control"})
    guest = file.add(Grant("guest", view, frozenset({"door"})))
    boss = file.add(Grant("boss", view | control))
    source = file.add(Grant("source", frozenset({"publish"})))
    with ServerProcess(tmp_path, "--tokens", str(file.path), *CAMERAS) as server:

        def first(token: str | None) -> ServerView:
            heard = start(replace(address(server), token=token))
            return heard.until(lambda state: state.connected or bool(state.reason))

        found = first(guest)
        assert (found.rights, found.whole) == (view, False)
        assert found.view == "twistedcam://{}:{}".format(*server.frames)
        found = first(boss)
        assert (found.rights, found.whole) == (view | control, True)
        for token in ("wrong", source, None):
            found = first(token)
            assert (found.connected, found.refused) == (False, True)


def test_what_is_no_control_port_is_said_to_be_none(start: Callable[[Address], Heard]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        heard = start(Address(f"tcp:127.0.0.1:{other.getsockname()[1]}"))
        with other.accept()[0] as peer:
            peer.sendall(b"220 mail.example ESMTP\r\n")
            assert (
                "not a twistedcam control port"
                in heard.until(lambda state: bool(state.reason)).reason
            )


def test_it_ends_at_once_while_it_waits_for_a_greeting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        heard = Heard(Address(f"tcp:127.0.0.1:{silent.getsockname()[1]}"))
        heard.link.start()
        with silent.accept()[0]:
            heard.link.stop()
        heard.link.join(PATIENCE)
        assert not heard.link.is_alive()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path, str]:
    """A key, a certificate for localhost signed by itself, and its fingerprint."""
    openssl = require_program("openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*make, *subject, *files], check=True, capture_output=True)
    show = [openssl, "x509", "-in", str(cert), "-noout", "-fingerprint", "-sha256"]
    shown = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    return key, cert, shown.partition("=")[2].strip().replace(":", "").lower()


def test_over_tls_it_speaks_to_the_certificate_that_it_trusts_and_to_no_other(
    tmp_path: Path, certificate: tuple[Path, Path, str], start: Callable[[Address], Heard]
) -> None:
    key, cert, fingerprint = certificate
    port = free_port()
    own = f"ssl:{port}:privateKey={key}:certKey={cert}:interface=127.0.0.1"
    with ServerProcess(tmp_path, "--control", own, *CAMERAS):
        endpoint = f"tls:localhost:{port}"
        for trusted in (
            Address(endpoint, fingerprint=fingerprint),
            Address(endpoint, ca=str(cert)),
        ):
            start(trusted).until(lambda state: state.connected)
        for stranger in (Address(endpoint), Address(endpoint, fingerprint="0" * 64)):
            with pytest.raises(CertificateRefused):
                stranger.connect()
