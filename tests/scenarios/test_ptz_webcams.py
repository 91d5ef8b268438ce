"""Webcams with a control of zoom are moved by the same commands as ONVIF cameras."""

from __future__ import annotations

from pathlib import Path

from tests.fakecam import FakeBus, Format, require_fakecam
from tests.support.process import ServerProcess, wait_for


def test_a_webcam_zooms_while_it_is_told_and_remembers_positions(tmp_path: Path) -> None:
    require_fakecam()
    with FakeBus() as bus:
        camera = bus.plug([Format("MJPG", 320, 240, (15,))])
        with ServerProcess(
            tmp_path, "--camera", f"door=webcam:{camera.path}", env=bus.env
        ) as server:
            wait_for(lambda: server.status("door")["ptz"] == "yes", "its motors")
            assert server.status("door")["ptz_axes"] == "zoom"
            before = camera.controls()["zoom_absolute"]
            assert server.command_lines("ptz save door wide")[-1].startswith("OK")
            assert server.command_lines("ptz move door in 1")[-1].startswith("OK")
            wait_for(lambda: camera.controls()["zoom_absolute"] > before + 1, "several steps")
            assert server.command_lines("ptz stop door")[-1].startswith("OK")
            refused = server.command_lines("ptz move door left")[-1]
            assert refused.startswith("ERR not-supported the camera cannot move so: it has zoom")
            assert server.command_lines("ptz preset door wide")[-1].startswith("OK")
            assert camera.controls()["zoom_absolute"] == before
            assert "preset: wide" in server.command_lines("ptz presets door")
