"""A changed list of targets is taken over while the server runs; what stays on it goes on."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.process import ServerProcess, wait_for
from tests.support.publish_status import state, targets


def test_a_hangup_starts_and_stops_targets_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "twistedcam.toml"

    def publish(*folders: str) -> None:
        urls = ", ".join(f"'hls:{tmp_path}/{each}'" for each in folders)
        camera = "[camera.cam]\nsource = 'pattern:?size=320x240'\n"
        file.write_text(f"{camera}publish = [{urls}]\n")

    publish("gone", "stays", "quiet")
    with ServerProcess(tmp_path / "rec", "--config", str(file)) as server:
        for name in ("hls", "hls-2"):
            wait_for(lambda name=name: state(server, name) == "live", f"{name} to be live")
        assert server.command_lines("publish stop hls-3")[-1] == "OK"
        before = targets(server)["hls-2"]["frames"]
        publish("stays", "quiet", "new")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "/new/" in targets(server).get("hls", {}).get("url", ""), "the new target")
        wait_for(lambda: state(server, "hls") == "live", "the new target to be live")
        now = targets(server)
        assert [now[name]["url"].split("/")[-2] for name in sorted(now)] == [
            "new",
            "stays",
            "quiet",
        ]
        assert (now["hls-2"]["connects"], now["hls-2"]["faults"]) == (1, 0)
        assert now["hls-2"]["frames"] >= before
        assert now["hls-3"]["state"] == "stopped"
        assert "changed: none" in server.command_lines("reload")

        publish()
        assert "changed: cam" in server.command_lines("reload")
        assert targets(server) == {}
        assert server.status()["published"] == "none"
