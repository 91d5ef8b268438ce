"""The documents' examples, in an environment with twistedcam and nothing else."""

from __future__ import annotations

import contextlib
import re
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import Block, blocks, commands
from tests.support.ports import free_port
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.venvs import environment

LOCAL = "tcp:0:interface=127.0.0.1"
PYTHON = blocks("python")
#: Those have a test of their own (tests/testing/test_plugin.py).
FIXTURES = [each for each in PYTHON if each.file == "docs/testing.md"]
WATCHING = [each for each in PYTHON if "twistedcam://" in each.text and each not in FIXTURES]
STEERING = [
    each
    for each in PYTHON
    if "twistedcam.clients.control" in each.text or "twistedcam.control" in each.text
]
SERVING = [each for each in PYTHON if "CameraService" in each.text]
FUNCTIONS = [each for each in PYTHON if re.match(r"(async )?def ", each.text)]


class Installed(ServerProcess):
    """``twistedcam serve`` of such an environment."""

    def __init__(self, bin: Path, folder: Path, *options: str) -> None:
        super().__init__(folder / "recordings", *options)
        self.command[:3] = [str(bin / "twistedcam")]
        self.env = {**environment(), "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(folder)}


def run(bin: Path, folder: Path, words: list[str]) -> str:
    """What a program says that has to end with 0."""
    done = subprocess.run(
        [bin / words[0], *words[1:]],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def server(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The server that the examples look at."""
    folder = tmp_path_factory.mktemp("serving")
    options = ["--camera", "cam=pattern:?size=320x240&fps=30", "--http", LOCAL]
    with Installed(plain, folder, *options) as running:
        wait_for(lambda: running.status()["state"] == "live", "the camera")
        yield running
        assert "Traceback" not in running.log


def test_no_example_is_left_out() -> None:
    assert set(map(str, PYTHON)) == set(
        map(str, [*WATCHING, *STEERING, *SERVING, *FUNCTIONS, *FIXTURES])
    )


@contextlib.contextmanager
def program(command: list[str | Path], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that goes on until it is told to end, and then does so in order."""
    env = {**environment(), "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(command, cwd=folder, env=env, text=True, stdout=-1, stderr=-1)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
        try:
            _, errors = running.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()
            raise
    assert "Traceback" not in errors.replace("KeyboardInterrupt\n", ""), errors


@pytest.mark.parametrize("block", [*WATCHING, *STEERING], ids=str)
def test_what_it_watches_comes(
    plain: Path, elsewhere: Path, server: Installed, block: Block
) -> None:
    code = re.sub(r"(twistedcam://[\w.]+)/", rf"\1:{server.frames[1]}/", block.text)
    code = code.replace("localhost", "127.0.0.1").replace("9531", str(server.control[1]))
    running = subprocess.Popen(
        [plain / "python", "-u", "-c", code],
        cwd=elsewhere,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    stuck = threading.Timer(PATIENCE, running.kill)
    stuck.start()
    assert running.stdout is not None
    count = 4 if block in WATCHING else 2 if "await" in code else 1
    lines = [running.stdout.readline() for _ in range(count)]
    running.terminate()
    _, errors = running.communicate()
    stuck.cancel()
    assert all(lines), errors
    assert (running.returncode in (0, -signal.SIGTERM), errors) == (True, "")


@pytest.mark.parametrize("block", SERVING, ids=str)
def test_examples_of_a_server_inside_a_program_run(
    plain: Path, elsewhere: Path, block: Block
) -> None:
    ports = {name: free_port() for name in ("9530", "9531", "8080", "8088")}
    code = re.sub("|".join(ports), lambda found: str(ports[found[0]]), block.text)
    if ".of(" in code:  # its ports are those of 'serve'
        given = {"listen": "9530", "control": "9531", "http": "8080"}
        words = [f'"--{name}", "{address(ports[port])}"' for name, port in given.items()]
        words = words[:2] if "--no-http" in code else words
        words.append('"--no-rtsp"')
        code = code.replace('"porch=pattern:"', ", ".join(['"porch=pattern:"', *words]))
    file = elsewhere / "house.tac"
    file.write_text(code)
    command: list[str | Path] = [plain / "python", file]
    if "application" in code:
        command = [plain / "twistd", "-noy", file]
    with program(command, elsewhere):
        wait_for(lambda: answers(ports["9530"]), "the frame port")
        if "resource()" in code:
            picture = wait_for(lambda: fetch(ports["8088"], "/snapshot"), "a picture")
            assert b"\xff\xd8" in picture
            told = talk(ports["9531"], b"light off\nquit\n")
            assert b"light: off\nOK\n" in told.replace(b"\r", b"")


def test_examples_of_code_on_the_picture_run(plain: Path, elsewhere: Path) -> None:
    (elsewhere / "mine.py").write_text("\n\n".join(each.text for each in FUNCTIONS))
    names = re.findall(r"^(?:async )?def (\w+)", (elsewhere / "mine.py").read_text(), re.MULTILINE)
    examples = ["twistedcam.examples.motion:motion", *(f"mine:{name}" for name in names)]
    options = [word for each in examples for word in ("--process", each)]
    with Installed(plain, elsewhere, "--camera", "cam=pattern:?size=320x240", *options) as server:
        for each in examples:
            camera = f"cam.{each.partition(':')[2]}"
            counted = "process_frames"
            wait_for(lambda: int(server.status(camera).get(counted, 0)) > 3, camera)  # noqa: B023
        assert "Traceback" not in server.log


def test_the_first_steps_do_what_they_say(plain: Path, elsewhere: Path, server: Installed) -> None:
    (frames, control) = server.frames[1], server.control[1]
    steps = [words for where, words in commands("twistedcam") if where.startswith("docs/start")]
    [view] = [words for words in steps if words[0] == "view" and "--headless" in words]
    said = run(plain, elsewhere, ["twistedcam", *view, f"twistedcam://127.0.0.1:{frames}"])
    assert "cam: 100 frames" in said
    assert len(list((elsewhere / "out").glob("*.jpg"))) == 100
    ctl, watch = [words for words in steps if words[0] == "ctl"]
    assert (ctl, watch) == (["ctl", "record", "start"], ["ctl", "watch"])
    steer = ["twistedcam", "ctl", "--connect", f"tcp:127.0.0.1:{control}"]
    assert "recording: cam_" in run(plain, elsewhere, [*steer, *ctl[1:]])
    assert "frames: " in run(plain, elsewhere, [*steer, "record", "stop"])
    [(_, curl)] = [each for each in commands("curl") if each[0].startswith("docs/start")]
    address = curl[-1].replace("http://127.0.0.1:8080", server.http)
    assert b"\xff\xd8" in fetch(int(server.http.rpartition(":")[2]), "/" + address.split("/", 3)[3])


def test_the_example_of_several_cameras_runs(
    plain: Path, elsewhere: Path, server: Installed
) -> None:
    [words] = [
        w
        for where, w in commands("twistedcam")
        if "docs/start" in where and w[0] == "serve" and w.count("--camera") > 1
    ]
    text = shlex.join(words).replace("webcam:0?size=1280x720", "pattern:?size=320x240")
    source = str(record_film(plain, elsewhere, server))
    cameras = shlex.split(text.replace("clip.mp4", source))[1:]
    with Installed(plain, elsewhere, *cameras) as running:
        for name in ("door", "film", "test"):
            wait_for(lambda: running.status(name)["state"] == "live", name)  # noqa: B023


def record_film(bin: Path, folder: Path, server: Installed) -> Path:
    """A short recording."""
    film = folder / "film.mkv"
    url = f"twistedcam://127.0.0.1:{server.frames[1]}"
    words = ["view", "--headless", "--frames", "20", "--record", str(film), url]
    run(bin, folder, ["twistedcam", *words])
    return film


def address(port: int) -> str:
    """An endpoint of this machine's own."""
    return f"tcp:{port}:interface=127.0.0.1"


def answers(port: int) -> bool:
    """Whether somebody is there, and greets."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            return bool(connection.recv(8))
    except OSError:
        return False


def talk(port: int, words: bytes) -> bytes:
    """What is answered until the end."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(words)
        while data := connection.recv(65536):
            answer += data
    return answer


def fetch(port: int, path: str) -> bytes:
    """What is there, or nothing."""
    ask = f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()
    try:
        answer = talk(port, ask)
    except OSError:
        return b""
    return answer if b" 200 " in answer.split(b"\r\n")[0] else b""
