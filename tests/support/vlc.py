"""VLC as a client: what it is started with, and a folder that it can write to."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.http_server import stamp_of
from tests.support.system import require_program


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """Make a folder that every user can write to, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)


@contextmanager
def playing_with_vlc(folder: Path, *arguments: str) -> Iterator[None]:
    """Run VLC without a window while the block runs.

    Arguments:
        folder: a folder that every user can write to, which it has as its home.
    """
    player = require_program("cvlc", apt="vlc-bin vlc-plugin-base")
    how: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # PulseAudio's folder is the runtime folder's.
    how["env"] = os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    if os.geteuid() == 0:  # it does not run as root
        how["user"] = pwd.getpwnam("nobody").pw_uid
    with subprocess.Popen([player, "-q", *arguments], **how) as process:
        try:
            yield
        finally:
            process.terminate()


def scene_options(folder: Path) -> list[str]:
    """Return the options that make VLC write every third picture to a folder, without sound."""
    return [
        *("--no-audio", "--vout", "dummy", "--video-filter", "scene", "--scene-ratio", "3"),
        *("--scene-format", "jpg", "--scene-path", str(folder)),
    ]


def scenes_in(folder: Path) -> list[int]:
    """Return the numbers in the pictures that VLC has written, without the newest: it may not be
    complete."""
    files = sorted(folder.glob("scene*.jpg"))[:-1]
    return [stamp_of(file.read_bytes()).number for file in files]
