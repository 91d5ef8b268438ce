"""Only regular files are opened, without blocking."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from twistedcam.runtime.regular_file import is_regular, open_regular


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o20600, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("no device can be made here")


ODD: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "socket": _socket,
    "device": _device,
    "folder": os.mkdir,
    "link": lambda path: path.symlink_to("real"),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "circle": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_regular_file_is_refused_at_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is limited
    (tmp_path / "real").write_bytes(b"secret")
    ODD[kind](Path("odd"))
    assert not is_regular("odd")
    for flags in (os.O_RDONLY, os.O_RDWR):
        with pytest.raises(OSError, match="odd"):
            open_regular("odd", flags)


def test_a_fifo_that_has_replaced_the_file_meanwhile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    os.mkfifo(tmp_path / "fifo")
    status = os.stat(tmp_path / "a")
    real = os.stat
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "stat", lambda *a, **k: status)
        with pytest.raises(OSError, match="not a regular file") as raised:
            open_regular(tmp_path / "fifo")
    assert os.stat is real
    assert raised.value.errno == errno.EINVAL


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "a/b"])
def test_a_name_that_no_file_can_have_is_no_regular_file(name: str, tmp_path: Path) -> None:
    assert not is_regular(tmp_path / name)
