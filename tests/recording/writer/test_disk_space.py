"""Recordings whose disk is not mounted, and comes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.films import read_film
from tests.support.process import ServerProcess, wait_for
from tests.support.system import require
from twistedcam.errors import BadArgument, DiskError
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer import disk_space as disk
from twistedcam.recording.writer.disk_space import check_mount, is_mounted, largest_file

CAMERA = "pattern:?size=320x240&fps=20"


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Mounts a small disk at a folder, or whatever ``mount``'s words say."""
    mounted: list[Path] = []

    def do(folder: Path, *words: str) -> None:
        words = words or ("-t", "tmpfs", "-o", "size=20m", "tmpfs")
        done = subprocess.run(
            ["mount", *words, str(folder)], capture_output=True, text=True, check=False
        )
        require(done.returncode == 0, f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)

    try:
        yield do
    finally:
        for each in reversed(mounted):
            subprocess.run(["umount", "-l", str(each)], check=False, capture_output=True)


def test_what_is_mounted_is_told_from_a_folder(
    tmp_path: Path, mount: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = tmp_path / "a disk\twith blanks"
    bound, link = tmp_path / "bound", tmp_path / "link"
    for each in (point, bound):
        each.mkdir()
    link.symlink_to(point)
    assert not (is_mounted(point) or is_mounted(bound) or is_mounted(tmp_path / "none"))
    mount(point)
    mount(bound, "--bind", str(tmp_path))
    assert is_mounted(point)
    assert is_mounted(link)
    assert is_mounted(bound)
    assert not is_mounted(point / "below")
    subprocess.run(["umount", str(point)], check=True)
    assert not is_mounted(point)
    monkeypatch.setattr(disk, "Path", lambda _: tmp_path / "no mountinfo here")
    assert is_mounted(Path("/"))


def test_the_setting_names_a_mount_point_or_the_folder_itself(tmp_path: Path) -> None:
    def setting(value: object) -> str | None:
        return RecordSettings.from_mapping({"require_mount": value}).require_mount

    assert [setting(each) for each in ("on", True, "off", False, "none", "/media/x")] == [
        *("on", "on", None, None, None, "/media/x")
    ]
    for wrong in ("media/x", "", 7):
        with pytest.raises(BadArgument, match="require_mount"):
            setting(wrong)
    check_mount(tmp_path, None)
    check_mount(tmp_path, "/")
    for required, named in (("on", tmp_path), (str(tmp_path / "x"), tmp_path / "x")):
        with pytest.raises(DiskError, match=f"{named} is not mounted"):
            check_mount(tmp_path, required)


def test_nothing_goes_below_the_mount_point_and_it_is_recorded_when_the_disk_comes(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    point = tmp_path / "disk"
    point.mkdir()
    folder = point / "films"
    options = ["--camera", CAMERA, "--record", f"require_mount={point}", "--record", "at_start=on"]
    with ServerProcess(folder, *options) as server:
        wait_for(lambda: server.status()["state"] == "live", "a picture")
        status = server.status()
        assert status["recording_code"] == "disk"
        assert status["recording_reason"].startswith(f"{point} is not mounted")
        for command in ("record start", "record start x.mkv", "snapshot", "save"):
            assert server.command_lines(command)[-1].startswith(f"ERR disk {point} is not mounted")
        assert not list(point.iterdir())
        mount(point)
        wait_for(lambda: server.status()["recording"] != "none", "the recording")
        wait_for(lambda: int(server.status()["recording_frames"]) > 10, "pictures")
        assert server.status()["recording_code"] == "none"
        name = server.status()["recording"]
        assert server.command_lines("record stop")[-1] == "OK"
        assert len(read_film(folder / name).times) > 10
        assert server.command_lines("record start y.mkv")[-1] == "OK"
        subprocess.run(["umount", "-l", str(point)], check=True)
        wait_for(lambda: server.status()["recording_code"] == "disk", "the end of the recording")
        with suppress(FileNotFoundError):
            assert not list(point.iterdir())


@pytest.mark.parametrize(
    ("kind", "largest"),
    [("vfat", 2**32 - 1), ("msdos", 2**32 - 1), ("exfat", None), ("ext4", None)],
)
def test_a_file_on_fat_has_4_gib_at_most(
    kind: str, largest: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = os.stat(tmp_path).st_dev
    of_tmp_path = f"{os.major(device)}:{os.minor(device)}"
    mounts = f"1 0 0:999 / / rw - overlay none rw\n2 1 {of_tmp_path} / /x rw a:1 - {kind} none rw\n"
    monkeypatch.setattr(Path, "read_bytes", lambda path: mounts.encode())
    assert largest_file(tmp_path) == largest
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"1 0 0:999 / / rw - vfat none rw\n")
    assert largest_file(tmp_path) is None
