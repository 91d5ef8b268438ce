"""Files are replaced completely or not at all, and no concurrent change is lost."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.process import PATIENCE
from twistedcam.runtime import atomic_file
from twistedcam.runtime.atomic_file import locked, write_atomically
from twistedcam.tls.known_servers import KnownServers


def test_a_file_has_the_bytes_and_the_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        for mode in (0o600, 0o644, 0o640):
            write_atomically(tmp_path / "a", b"%o" % mode, mode)
            assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
            assert (tmp_path / "a").read_bytes() == b"%o" % mode
    finally:
        os.umask(before)
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, call: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with (
        patch.object(os, call, side_effect=OSError(errno.EIO, "Input/output error")),
        pytest.raises(OSError, match="Input/output"),
    ):
        write_atomically(path, b"new", 0o600)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_symbolic_link_is_replaced_and_what_it_names_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "a").symlink_to("secret")
    write_atomically(tmp_path / "a", b"new", 0o600)
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, os.fsdecode(b"\xe9" * 255), "a\nb"])
def test_any_name_that_the_system_takes_can_be_written(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / name, b"x", 0o600)
    assert os.listdir(tmp_path) == [name]


def test_a_file_is_written_where_the_file_system_cannot_sync(tmp_path: Path) -> None:
    with patch.object(os, "fsync", side_effect=OSError(errno.EINVAL, "Invalid argument")):
        write_atomically(tmp_path / "a", b"x", 0o600)
    assert (tmp_path / "a").read_bytes() == b"x"


def test_programs_that_write_one_file_at_the_same_time_keep_each_other_s_changes(
    tmp_path: Path,
) -> None:
    path, each = tmp_path / "servers.json", 40
    code = (
        "import sys; from pathlib import Path\n"
        "from twistedcam.tls.known_servers import KnownServers\n"
        "for number in range(int(sys.argv[3])):\n"
        "    KnownServers(Path(sys.argv[1])).put(f'{sys.argv[2]}:{number}', 'signed')\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, path, name, str(each)]) for name in "abc"
    ]
    assert [process.wait(PATIENCE) for process in running] == [0, 0, 0]
    assert len(json.loads(path.read_bytes())) == 3 * each
    assert KnownServers(path).get("b:0") == "signed"
    assert os.listdir(tmp_path) == ["servers.json"]


@pytest.mark.parametrize("number", [0, errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_threads_keep_each_other_s_changes_with_locks_and_without(
    tmp_path: Path, number: int
) -> None:
    path = tmp_path / "count"
    path.write_bytes(b"0")

    def add(_: int) -> None:
        with locked(path):
            write_atomically(path, b"%d" % (int(path.read_bytes()) + 1), 0o600, sync=False)

    refused: Any = OSError(number, os.strerror(number)) if number else fcntl.flock
    with patch.object(fcntl, "flock", side_effect=refused), ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(60)))
    assert path.read_bytes() == b"60"
    assert os.listdir(tmp_path) == ["count"]


def test_a_lock_that_is_never_released_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with (
        locked(path),
        patch.object(atomic_file, "LOCK_TIMEOUT", 0.0),
        pytest.raises(TimeoutError, match="another process holds its lock"),
        locked(path),
    ):
        raise AssertionError("both have it")


def test_without_locks_a_dead_program_s_lock_file_does_not_count_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "a"
    (tmp_path / ".a.locked").touch()
    refused = OSError(errno.ENOLCK, "No locks available")
    with (
        patch.object(fcntl, "flock", side_effect=refused),
        patch.object(atomic_file, "STALE_AFTER", 0.0),
        locked(path),
    ):
        assert (tmp_path / ".a.locked").exists()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_what_is_no_file_in_the_lock_s_place_is_an_error_at_once(tmp_path: Path, kind: str) -> None:
    lock = tmp_path / ".a.lock"
    if kind == "fifo":
        os.mkfifo(lock)
    elif kind == "link":
        lock.symlink_to("elsewhere")
    else:
        lock.mkdir()
    with pytest.raises(OSError, match=r"."), locked(tmp_path / "a"):
        raise AssertionError("it was locked")
    assert not (tmp_path / "elsewhere").exists()
