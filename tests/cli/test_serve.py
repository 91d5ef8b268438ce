"""``twistedcam serve``: its start, its end, and its messages."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakecam import FakeCam, require_fakecam
from tests.support.process import PATIENCE, ROOT, ServerProcess, run_program, wait_for
from tests.support.viewer import Viewer
from twistedcam import wire
from twistedcam.cli import serve
from twistedcam.cli.serve import announce
from twistedcam.media import barcode
from twistedcam.sources.auto import NO_WEBCAM
from twistedcam.wire.messages import FrameMessage


def test_two_viewers_see_moving_pictures_and_keep_their_connection_over_stop_and_start(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?size=320x240&fps=30") as server:
        viewers = [Viewer(server.frames), Viewer(server.frames)]
        for viewer in viewers:
            numbers = []
            for _ in range(5):
                message = viewer.until(FrameMessage)
                assert isinstance(message, FrameMessage)
                stamp = barcode.read(message.frame.image)
                assert stamp is not None
                assert abs(stamp.time_us - message.frame.time_us) <= 1
                numbers.append(message.frame.seq)
            assert numbers == sorted(set(numbers))
        assert server.command_lines("stop")[-1] == "OK"
        for viewer in viewers:
            viewer.until(wire.State, state="stopped")
        assert server.command_lines("start")[-1] == "OK"
        for viewer in viewers:
            viewer.until(wire.State, state="live")
            viewer.until(FrameMessage)
            viewer.close()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_server(tmp_path: Path, sign: int) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?size=320x240") as server:
        viewer = Viewer(server.frames)
        viewer.until(FrameMessage)
        assert server.command_lines("record start")[-1] == "OK"
        for _ in range(10):
            viewer.until(FrameMessage)
        assert server.end(sign) == 0
        viewer.until(wire.Bye)
        viewer.close()
        assert "Traceback" not in server.log
    [recording] = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    import av

    with av.open(str(recording)) as film:
        assert sum(1 for _ in film.decode(video=0)) >= 5


def test_addresses_are_printed_as_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def at(address: str, is_tls: bool = False) -> Any:
        return SimpleNamespace(address=address, is_tls=is_tls)

    listeners = {
        "http": [at("127.0.0.1:80"), at("[::1]:443", is_tls=True)],
        "frames": [at("127.0.0.1:1"), at("unix:/f"), at("h:2", is_tls=True)],
        "rtsp": [at("127.0.0.1:5"), at("h:6", is_tls=True)],
        "control": [at("127.0.0.1:3"), at("unix:/c"), at("h:4", is_tls=True)],
    }
    needs = SimpleNamespace(is_needed=False)
    server: Any = SimpleNamespace(cameras={"cam": None}, authenticator=needs)
    announce(SimpleNamespace(server=server, listeners=listeners))  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert [line.split(None, 1)[1] for line in said.splitlines()[1:-1]] == [
        "http://127.0.0.1:80/",
        "https://[::1]:443/",
        "twistedcam view twistedcam://127.0.0.1:1",
        "twistedcam view twistedcam+unix:/f",
        "twistedcam view twistedcams://h:2",
        "rtsp://127.0.0.1:5/CAMERA",
        "rtsps://h:6/CAMERA",
        "telnet 127.0.0.1 3",
        "twistedcam ctl --connect unix:/c",
        "twistedcam ctl --connect tls:h:4",
    ]


def test_where_and_how_to_log_in_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "own_address", lambda: "192.0.2.4")
    listeners: Any = {
        "frames": [SimpleNamespace(address="0.0.0.0:9530", is_tls=True)],
        "control": [SimpleNamespace(address="[::]:9531", is_tls=False)],
    }
    listeners["http"] = [SimpleNamespace(address="0.0.0.0:8080", is_tls=False)]
    listeners["rtsp"] = [SimpleNamespace(address="[::]:8322", is_tls=True)]
    server: Any = SimpleNamespace(cameras={}, authenticator=SimpleNamespace(is_needed=True))
    announce(SimpleNamespace(server=server, listeners=listeners))  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert "  page      http://192.0.2.4:8080/\n" in said
    assert "  rtsp      rtsps://192.0.2.4:8322/CAMERA\n" in said
    assert "  watch     twistedcam view twistedcams://192.0.2.4:9530\n" in said
    assert "  control   telnet 192.0.2.4 9531\n" in said
    assert "  log in    on the page, with a token: twistedcam token add NAME --qr\n" in said


#: Sends a number of signals to the program when it imports a module.
SENDER = """
import os, sys

class Sender:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            for number in {numbers}:
                os.kill(os.getpid(), number)

sys.meta_path.insert(0, Sender())
"""


@pytest.mark.parametrize(
    ("module", "sign"),
    [
        ("twistedcam.cli.serve", signal.SIGINT),
        ("twistedcam.cli.serve", signal.SIGTERM),
        ("twistedcam.app.service", signal.SIGTERM),
        ("twistedcam.servers.mqtt", signal.SIGINT),
    ],
)
def test_a_signal_during_the_start_stops_the_server(tmp_path: Path, module: str, sign: int) -> None:
    (tmp_path / "sitecustomize.py").write_text(SENDER.format(module=module, numbers=[int(sign)]))
    done = early(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_second_signal_ends_a_start_that_hangs(tmp_path: Path) -> None:
    numbers = [int(signal.SIGTERM)] * 2
    sender = SENDER.format(module="twistedcam.cli.serve", numbers=numbers)
    (tmp_path / "sitecustomize.py").write_text(sender)
    assert early(tmp_path).returncode == -signal.SIGTERM


def early(folder: Path) -> subprocess.CompletedProcess[str]:
    """A server that has a ``sitecustomize.py`` in the folder."""
    words = ["serve", "--camera", "pattern:", "--no-http", "--no-rtsp", "--no-listen"]
    words += ["--control", "tcp:0:interface=127.0.0.1", "--recordings", str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "twistedcam", *words],
        env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_camera_that_hangs_does_not_delay_the_end(tmp_path: Path) -> None:
    require_fakecam()
    with (
        FakeCam() as camera,
        ServerProcess(tmp_path, "--camera", "webcam:0", env=camera.env) as server,
    ):
        viewer = Viewer(server.frames)
        viewer.until(FrameMessage)
        camera.hang()
        viewer.until(wire.State, state="recovering")
        assert server.end() == 0
        viewer.until(wire.Bye)
        viewer.close()
        assert "Traceback" not in server.log


def test_shutdown_exits_with_code_0(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?size=320x240") as server:
        assert server.command_lines("shutdown")[-1:] in ([], ["OK"])
        assert server.process.wait(PATIENCE) == 0
        assert "Traceback" not in server.log


def test_a_missing_webcam_is_reported(tmp_path: Path) -> None:
    if any(name.startswith("video") for name in os.listdir("/dev")):
        pytest.skip("there is a webcam here")
    with ServerProcess(tmp_path) as server:
        wait_for(lambda: server.status()["state"] == "recovering", "the reason")
        assert server.status()["reason"] == NO_WEBCAM


def test_a_folder_that_cannot_be_written_is_only_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/proc/nowhere")):
        options = ("--camera", "pattern:", "--record", "keep=1GB")
        with ServerProcess(folder, *options) as server:
            wait_for(lambda: server.status()["state"] == "live", "a picture")
            assert server.log.count("recording is not possible now: ") == 1
            assert server.log.count(f"the folder for recordings {folder} cannot be written: ") == 1
            answer = server.command_lines("record start", "snapshot", "ping")
            assert [line.split(":")[0] for line in answer] == [
                f"ERR disk {folder}",
                f"ERR disk {folder}",
                "OK",
            ]
        words = ("--check", "--camera", "pattern:", "--recordings", str(folder))
        done = run_program("twistedcam", "serve", *words, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("recording is not possible now")) == (0, 1)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--camera", "nonsense:"], 2, "there is no source 'nonsense'"),
        (["--camera", "pattern:?size=big"], 2, "write it as 1280x720"),
        (["--camera", "pattern:?colour=red"], 2, "no setting 'colour'"),
        (["--camera", "a;b=pattern:"], 2, "is not a valid name for a camera"),
        (["--camera", "x=pattern:", "--camera", "x=pattern:"], 2, "two cameras are named 'x'"),
        (["--camera", "file:/does/not/exist.mp4"], 1, "there is no file"),
        (["--listen", "carrier-pigeon:9530"], 2, "is not a valid endpoint"),
        (["--listen", "tcp:9530"], 2, "--insecure"),
        (["--listen", "bird:9530"], 2, "write tcp:9530:interface=127.0.0.1, or 9530 for short"),
        (["--control", "bird:1"], 2, "write tcp:9531:interface=127.0.0.1, or 9531 for short"),
        (["--http", "bird:8080"], 2, "write tcp:8080:interface=127.0.0.1, or 8080 for short"),
        (["--http", "0.0.0.0:8080"], 2, "there are no tokens"),
        (["--http", "*:8080"], 2, "there are no tokens"),
        (["--http", "99999"], 2, "a port is a number from 0 to 65535"),
        (["--colour"], 2, "unknown option '--colour'; 'twistedcam serve --help' explains"),
        (["--port", "8080"], 2, "unknown option '--port': use --http 8080"),
        (["--port=8080"], 2, "unknown option '--port': use --http 8080"),
        (["--host", "0.0.0.0"], 2, "unknown option '--host': use --http 0.0.0.0:8080"),
        (["--listen", "tcp:99999"], 2, "a port is a number from 0 to 65535"),
        (["--no-listen", "--listen", "tcp:1"], 2, "exclude each other"),
        (["--no-listen", "--no-control", "--no-http", "--no-rtsp"], 2, "needs at least one port"),
        (["--max-connections", "0"], 2, "has to be a whole number from 1"),
    ],
)
def test_invalid_options_give_one_line(
    tmp_path: Path, options: list[str], code: int, words: str
) -> None:
    done = run_program("twistedcam", "serve", *options, cwd=tmp_path)
    assert done.returncode == code
    last = done.stderr.strip().splitlines()[-1]
    assert words in last
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        done = run_program("twistedcam", "serve", "--listen", endpoint, cwd=tmp_path)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.startswith("twistedcam:")]
    assert endpoint in line
    assert "in use" in line


def test_random_bytes_do_not_stop_the_server(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?size=320x240") as server:
        for address in (server.frames, server.control):
            with socket.create_connection(address, PATIENCE) as port:
                port.sendall(bytes(range(256)) * 100)
                port.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while port.recv(65536):
                        pass
        wait_for(lambda: server.status()["state"] == "live", "the pattern")
        assert "Traceback" not in server.log


def test_help_fits_a_screen_and_shows_an_example(tmp_path: Path) -> None:
    for words in ([], ["serve"]):
        done = run_program("twistedcam", *words, "--help", cwd=tmp_path)
        assert done.returncode == 0
        assert "Example:" in done.stdout
        assert len(done.stdout.splitlines()) <= 60


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    words = ("--check", "--recordings", str(folder), "--camera", "door=pattern:")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = ("--listen", f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1")
        done = run_program("twistedcam", "serve", *words, *listen, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "the options are valid: door\n")
    assert not folder.exists()
    done = run_program("twistedcam", "serve", *words, "--camera", "nonsense:", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    done = run_program("twistedcam", "serve", *words, "--log", "nowhere/log", cwd=tmp_path)
    assert (done.returncode, "nowhere/log cannot be written" in done.stderr) == (1, True)
    assert not list(tmp_path.iterdir())
