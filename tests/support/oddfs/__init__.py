"""A file system that lacks something, for servers in processes of their own (see oddfs.c)."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.fakecam.build import FLAGS, Unavailable, cache_directory
from tests.support.system import require

SOURCE = Path(__file__).parent / "oddfs.c"


@cache
def build() -> Path:
    """The library to preload, compiled once for each state of its source."""
    compiler = shutil.which("cc")
    require(compiler is not None, "no C compiler (Debian: apt-get install gcc libc6-dev)")
    digest = hashlib.sha256(repr((compiler, FLAGS)).encode() + SOURCE.read_bytes()).hexdigest()
    try:
        library = cache_directory() / f"oddfs-{digest[:16]}.so"
    except Unavailable as reason:
        require(False, str(reason))
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=library.parent) as work:
            made = Path(work) / "oddfs.so"
            flags = [flag for flag in FLAGS if flag != "-fvisibility=hidden"]
            command = [str(compiler), *flags, "-o", str(made), str(SOURCE), "-ldl"]
            subprocess.run(command, check=True)
            made.replace(library)
    return library


def odd_file_system(**refused: int) -> dict[str, str]:
    """The environment of a server whose system calls fail with these errors.

    Arguments:
        refused: ``flock``, ``link``, ``syncdir`` (fsync of a folder), ``fsync`` (of a file).
    """
    said = " ".join(f"{call}={code}" for call, code in refused.items())
    return {"LD_PRELOAD": str(build()), "ODDFS": said}
