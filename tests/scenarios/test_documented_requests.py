"""The requests in the documents are answered by a server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.support.documents import commands
from tests.support.http_server import serve
from tests.support.process import PATIENCE, wait_for
from tests.support.system import require_program

#: The camera of the test has no such control.
WITHOUT = {"brightness"}


def test_each_curl_in_the_documents_is_answered(tmp_path: Path) -> None:
    curl = require_program("curl")
    cameras = [word for name in ("door", "printer") for word in ("--camera", f"{name}=pattern:")]
    with serve(tmp_path / "recordings", *cameras) as server:
        for name in ("door", "printer"):
            wait_for(lambda: server.status(name)["state"] == "live", name)  # noqa: B023
        found = list(commands("curl"))
        assert len(found) >= 7
        for where, words in found:
            own = [
                re.sub(r"^(http://)?(localhost|127\.0\.0\.1):8080", server.http, w) for w in words
            ]
            done = subprocess.run(
                [curl, "-sS", "-w", "\n%{http_code}", *own],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            )
            body, _, status = done.stdout.rpartition("\n")
            if status != "200":
                message = json.loads(body)["message"]
                assert any(word in message for word in WITHOUT), f"{where}: {status} {body}"
        assert (tmp_path / "now.jpg").read_bytes().startswith(b"\xff\xd8")
