"""Builds the library once for each state of its source."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support.system import require

HERE = Path(__file__).parent
FLAGS = ("-shared", "-fPIC", "-O2", "-Wall", "-U_FORTIFY_SOURCE", "-fvisibility=hidden", "-pthread")


class Unavailable(Exception):
    """This machine cannot build the fake webcam; the text says why and what helps."""


@cache
def cache_directory() -> Path:
    """A folder that outlives the test run: the project's .cache, or the system's for temporary."""
    for folder in (
        HERE.parent.parent / ".cache" / "fakecam",
        Path(tempfile.gettempdir()) / f"fakecam-{os.getuid()}",
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise Unavailable("no folder for the fake webcam's files: make .cache or $TMPDIR writable")


@cache
def build() -> Path:
    """The shared library to preload, compiled if need be. Raises Unavailable with the reason."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        raise Unavailable("the fake webcam needs 64-bit Linux: it stands in for V4L2")
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable("no C compiler (Debian: apt-get install gcc libc6-dev)")
    sources = sorted(HERE.glob("*.c"))
    key = hashlib.sha256(repr((compiler, FLAGS, os.uname().machine)).encode())
    for file in [*sources, HERE / "fakecam.h"]:
        key.update(file.read_bytes())
    library = cache_directory() / f"fakecam-{key.hexdigest()[:16]}.so"
    if library.exists():
        return library
    with tempfile.TemporaryDirectory(dir=library.parent) as work:
        made = Path(work) / "fakecam.so"
        command = [compiler, *FLAGS, "-o", str(made), *map(str, sources), "-ldl"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise Unavailable(f"the fake webcam does not compile here:\n{result.stderr[-2000:]}")
        made.replace(library)
    return library


def require_fakecam() -> None:
    """Skips the running test (under CI: fails it) where the fake webcam cannot be built."""
    try:
        build()
    except Unavailable as reason:
        require(False, str(reason))
