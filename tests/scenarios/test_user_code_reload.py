"""User code that the configuration names, and then no longer, or otherwise."""

from __future__ import annotations

from pathlib import Path

from tests.support.process import ServerProcess, wait_for

PLAIN = "[camera.cam]\nsource = 'pattern:?size=160x120&fps=20'\n"
CODE = "tests.support.user_code"


def test_code_comes_changes_and_goes_with_a_reload(tmp_path: Path) -> None:
    file = tmp_path / "twistedcam.toml"
    file.write_text(PLAIN)
    with ServerProcess(tmp_path / "recordings", "--config", str(file)) as server:
        file.write_text(PLAIN + f"process = ['{CODE}:negative']\n")
        assert "added: cam.negative" in server.command_lines("reload")
        wait_for(lambda: server.status("cam.negative")["state"] == "live", "what the code makes")

        file.write_text(PLAIN + f"process = ['{CODE}:count', '{CODE}:negative']\n")
        assert "added: cam.count" in server.command_lines("reload")
        wait_for(lambda: int(server.status("cam.count")["process_frames"]) > 2, "the other code")
        assert server.status("cam.negative")["process_failures"] == "0"

        file.write_text(PLAIN + "process = ['nowhere:nothing']\n")
        assert "no module 'nowhere'" in server.command_lines("reload")[0]
        assert server.status("cam.count")["state"] == "live"

        file.write_text(PLAIN)
        told = " ".join(server.command_lines("reload"))
        assert "cam.count" in told and "cam.negative" in told
        assert server.command_lines("status cam.count")[0].startswith("ERR no-such-camera")
        assert server.status("cam")["state"] == "live"
        assert "Traceback" not in server.log
