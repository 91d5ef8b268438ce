"""The requests in the documents are answered by a server."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import commands, spans
from tests.support.http_server import serve
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.system import require_program
from twistedcam.cli import ctl

#: The cameras of the test have no such controls and targets.
WITHOUT = {"brightness", "exposure", "youtube"}
#: The errors of a command that is wrong; others depend on what the server has.
WRONG = ("unknown-command", "bad-argument", "no-such-camera", "internal")
#: So that another recording can begin.
END = ("record stop door", "record stop printer")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the cameras that the documents name."""
    cameras = [word for name in ("door", "printer") for word in ("--camera", f"{name}=pattern:")]
    with serve(tmp_path_factory.mktemp("recordings"), *cameras) as running:
        for name in ("door", "printer"):
            wait_for(lambda: running.status(name)["state"] == "live", name)  # noqa: B023
        yield running


def test_each_command_in_the_documents_is_one_that_a_server_takes(server: ServerProcess) -> None:
    found = []
    for where, words in (*commands("twistedcam"), *spans()):
        if words[:1] == ["ctl"]:
            parser = argparse.ArgumentParser()
            ctl.add_arguments(parser)
            command = parser.parse_args(words[1:]).command
            if command and command[0] not in ("watch", "COMMAND"):
                found.append((where, [word for word in command if word != "--json"]))
    assert len(found) > 20
    for where, command in found:
        [*_, answer] = server.command_lines(*END, shlex.join(command))
        code = answer.removeprefix("ERR ").partition(" ")[0]
        is_known = not set(WITHOUT).isdisjoint(command)
        assert code not in WRONG or is_known, f"{where}: {command}: {answer}"


def test_each_curl_in_the_documents_is_answered(server: ServerProcess, tmp_path: Path) -> None:
    curl = require_program("curl")
    server.command_lines(*END)
    found = list(commands("curl"))
    assert len(found) >= 7
    for where, words in found:
        own = [re.sub(r"^(http://)?(localhost|127\.0\.0\.1):8080", server.http, w) for w in words]
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
