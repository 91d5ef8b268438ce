"""nginx under the same attack, and how long a small file takes of it meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.soak.footprint import Footprint
from tests.support.ports import free_port
from tests.support.process import PATIENCE
from tests.support.publish_peers import Nginx as Server

#: Seconds between two requests, as between two pictures at 30 a second.
_PAUSE = 1 / 30


class Nginx(Server):
    """One worker that serves a small file and a page's style."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        files = folder / "files"
        (files / "static").mkdir(parents=True)
        (files / "healthz").write_text("ok\n")
        (files / "static" / "cameras.css").write_bytes(os.urandom(16 * 1024))
        config = (
            f"http {{ access_log off; server {{\n  listen 127.0.0.1:{port}; root {files};\n}} }}\n"
        )
        super().__init__(folder / "nginx", config, port)


def small_file_ages(nginx: Nginx, name: str, seconds: float) -> tuple[float, int]:
    """Attack it; the longest answer in seconds, and the bytes of memory that it took more."""
    assert nginx.process is not None
    pid = nginx.process.pid
    before = most = Footprint(pid).anonymous
    longest = 0.0
    words = [sys.executable, "-m", "tests.hostile.attacks", name, str(nginx.port), str(seconds)]
    with subprocess.Popen(words) as attacker:
        try:
            while attacker.poll() is None:
                asked = time.monotonic()
                address = f"http://127.0.0.1:{nginx.port}/healthz"
                with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                    answer.read()
                longest = max(longest, time.monotonic() - asked)
                most = max(most, Footprint(pid).anonymous)
                time.sleep(_PAUSE)
        finally:
            attacker.kill()
    return longest, (most - before) * 1024
