"""A server keeps what has happened and finishes its hooks, also when it is killed."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.process import PATIENCE, ServerProcess, wait_for

CODE = """
from pathlib import Path

def cats(frame):
    seen = Path("{switch}").exists()
    return {"event": "begin" if seen else "end", "kind": "cat", "score": 0.5, "zone": "mat"}
"""
#: Fails while its second argument does not exist; then adds the event to its first.
HOOK = """#!/bin/sh
echo "$TWISTEDCAM_EVENT $TWISTEDCAM_CAMERA" >> "$1.runs"
test -e "$2" || exit 1
echo "$TWISTEDCAM_EVENT $TWISTEDCAM_CAMERA $TWISTEDCAM_FILE" >> "$1"
"""
CONFIG = """
process-in = "thread"

[camera.door]
source = "pattern:?size=160x120&fps=10"
process = "found:cats"

[[hook]]
name = "alarm"
on = "cat:begin"
camera = "door"
run = ["{hook}", "{done}", "{ready}"]
retries = 20

[[hook]]
name = "upload"
on = "recording:finished"
run = ["{hook}", "{uploaded}", "/"]
"""


def events(server: ServerProcess, query: str) -> list[dict[str, Any]]:
    url = f"{server.http}/api/v1/events?{query}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        found: list[dict[str, Any]] = json.load(response)["events"]
    return found


def test_a_kill_in_the_middle_of_an_event_loses_neither_it_nor_its_hook(tmp_path: Path) -> None:
    switch, done, ready = tmp_path / "cat", tmp_path / "done", tmp_path / "ready"
    uploaded, hook, recordings = tmp_path / "uploaded", tmp_path / "hook.sh", tmp_path / "rec"
    (tmp_path / "found.py").write_text(CODE.replace("{switch}", str(switch)))
    hook.write_text(HOOK)
    hook.chmod(0o755)
    paths = {"hook": hook, "done": done, "ready": ready, "uploaded": uploaded}
    config = tmp_path / "twistedcam.toml"
    config.write_text(CONFIG.format(**paths))
    options = ("--config", str(config), "--http", "tcp:0:interface=127.0.0.1")
    env = {"PYTHONPATH": str(tmp_path)}
    with ServerProcess(recordings, *options, env=env) as server:
        wait_for(lambda: server.status("door.cats")["state"] == "live", "the user code")
        switch.touch()
        [began] = wait_for(lambda: events(server, "kind=cat"), "the event")
        assert (began["camera"], began["zone"], began["end"]) == ("door", "mat", None)
        wait_for(lambda: server.status("door")["recording_frames"] not in ("none", "0"), "frames")
        wait_for(lambda: (tmp_path / "done.runs").exists(), "the hook")
        wait_for(lambda: "retrying" in str(server.command_lines("hooks")), "its failure")
        server.process.kill()
        server.process.wait()
    switch.unlink()
    ready.touch()
    with ServerProcess(recordings, *options, env=env) as server:
        wait_for(lambda: done.exists() and done.read_text(), "the hook after the restart")
        assert done.read_text() == "cat:begin door \n"
        [kept] = events(server, "kind=cat&camera=door")
        assert (kept["id"], kept["start"]) == (began["id"], began["start"])
        assert kept["end"] >= kept["start"]
        with urllib.request.urlopen(server.http + kept["snapshot"], timeout=PATIENCE) as picture:
            assert picture.read().startswith(b"\xff\xd8\xff")
        wait_for(lambda: (recordings / kept["recording"]).exists(), "the recovered recording")
        # A whole event, whose recording is uploaded when it has its name.
        wait_for(lambda: server.status("door.cats")["state"] == "live", "the user code")
        server.command_lines("record start door visit.mp4")
        server.command_lines("record stop door")
        wait_for(lambda: uploaded.exists() and uploaded.read_text(), "the upload")
        assert uploaded.read_text() == f"recording:finished door {recordings / 'visit.mp4'}\n"
        # A reload applies hooks at once; nothing but the file can change them.
        changed = CONFIG.replace('name = "upload"', 'name = "copy"').format(**paths)
        config.write_text(changed)
        assert "hooks: copy, upload" in server.command_lines("reload")
        assert server.command_lines("hook test copy")[-1] == "OK"
        assert uploaded.read_text().splitlines()[1] == (
            f"recording:finished  {recordings / 'visit.mp4'}"
        )
        assert server.command_lines("hook test upload")[0].startswith("ERR no-such-hook")
