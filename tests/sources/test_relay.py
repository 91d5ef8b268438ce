"""A camera of another server is passed on: bytes, times, reasons, one connection, and no rings."""

from __future__ import annotations

from pathlib import Path

from tests.support.camera_rig import Viewer
from tests.support.ports import free_port
from tests.support.process import ServerProcess, wait_for
from tests.support.sounding_camera import sounding_camera

PATTERN = "cam=pattern:?size=320x240&fps=30"


def address(server: ServerProcess) -> str:
    return "twistedcam://{}:{}/cam".format(*server.frames)


def test_bytes_and_times_are_the_first_server_s_over_two_relays(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "1", "--camera", PATTERN) as first,
        ServerProcess(tmp_path / "2", "--camera", f"cam={address(first)}") as second,
        ServerProcess(tmp_path / "3", "--camera", f"cam={address(second)}") as third,
        Viewer(third.frames) as far,
        Viewer(first.frames) as near,
    ):
        there: dict[int, bytes] = {}
        both = 0
        while both < 10:
            there |= {frame.time_us: frame.jpeg for frame in near.frames(10)}
            here = [frame for frame in far.frames(5) if frame.time_us in there]
            assert all(frame.jpeg == there[frame.time_us] for frame in here)
            both += len(here)


def test_one_connection_whatever_the_number_of_viewers(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "1", "--camera", PATTERN) as first,
        ServerProcess(tmp_path / "2", "--camera", f"cam={address(first)}") as second,
        Viewer(second.frames) as one,
        Viewer(second.frames) as two,
    ):
        one.frames(3)
        two.frames(3)
        assert first.status()["viewers"] == "1"


def test_a_reason_is_passed_on_and_so_is_the_return(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "1", "--camera", PATTERN) as first,
        ServerProcess(tmp_path / "2", "--camera", f"cam={address(first)}") as second,
    ):
        wait_for(lambda: second.status()["state"] == "live", "pictures")
        first.command_lines("stop")
        wait_for(lambda: second.status()["state"] == "recovering", "the news")
        assert second.status()["reason"] == f"{address(first)} is stopped"
        first.command_lines("start")
        wait_for(lambda: second.status()["state"] == "live", "pictures")


def test_a_camera_that_is_muted_there_is_muted_for_all(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "1", "--camera", "cam=push:") as first,
        sounding_camera(first.frames, "cam"),
        ServerProcess(tmp_path / "2", "--camera", f"cam={address(first)}") as second,
    ):
        wait_for(lambda: second.status()["audio_state"] == "live", "sound")
        first.command_lines("mute")
        wait_for(lambda: second.status()["audio_state"] == "muted", "the news")
        told = second.status()
        assert (told["muted"], told["audio_reason"]) == ("no", "it is muted on another server")
        first.command_lines("unmute")
        wait_for(lambda: second.status()["audio_state"] == "live", "sound")


def test_it_survives_the_end_of_the_first_server(tmp_path: Path) -> None:
    port = free_port()
    fixed = ("--listen", f"tcp:{port}:interface=127.0.0.1", "--camera", PATTERN)
    with ServerProcess(
        tmp_path / "2", "--camera", f"cam=twistedcam://127.0.0.1:{port}/cam"
    ) as second:
        wait_for(lambda: second.status()["state"] == "recovering", "a first try")
        assert "is the server running there?" in second.status()["reason"]
        with ServerProcess(tmp_path / "1", *fixed):
            wait_for(lambda: second.status()["state"] == "live", "pictures")
        wait_for(lambda: second.status()["state"] == "recovering", "the news")


def test_a_ring_is_refused_and_is_no_storm(tmp_path: Path) -> None:
    ports = (free_port(), free_port())

    def server(here: int, there: int) -> ServerProcess:
        listen = f"tcp:{ports[here]}:interface=127.0.0.1"
        source = f"cam=twistedcam://127.0.0.1:{ports[there]}/cam"
        return ServerProcess(tmp_path / str(here), "--listen", listen, "--camera", source)

    with server(0, 1) as first, server(1, 0) as second:
        wait_for(lambda: "from itself" in first.log + second.log, "the refusal")
        wait_for(
            lambda: {first.status()["state"], second.status()["state"]} == {"recovering"}, "rest"
        )
        tries = sum(int(each.status()["restarts"]) for each in (first, second))
        assert tries < 20
