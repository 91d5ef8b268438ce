"""Whoever sets the wall clock: timers are due when they should be, and nobody is cut off."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from twisted.internet.selectreactor import SelectReactor

from tests.fakecam import FakeCam, Format, require_fakecam
from tests.soak.world import World
from tests.support.process import ServerProcess, wait_for
from tests.support.viewer import Viewer
from twistedcam import wire
from twistedcam.runtime.clock import go_by_steady_clock

DAY = 86_400.0


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_reactor_s_timers_do_not_go_by_the_wall_clock(
    monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    reactor, due = SelectReactor(), list[str]()
    reactor.callLater(0, due.append, "waits already")
    reactor.callLater(DAY / 2, due.append, "waits long")
    go_by_steady_clock(reactor)
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + jump)
    reactor.callLater(0, due.append, "now")
    reactor.runUntilCurrent()
    assert due == ["waits already", "now"]


def test_a_clock_that_is_set_ends_no_viewer_and_keeps_no_camera_waiting(tmp_path: Path) -> None:
    require_fakecam()
    recordings = tmp_path / "recordings"
    world = World(tmp_path, recordings)
    with FakeCam([Format("MJPG", 160, 120)]) as webcam:
        preload = f"{webcam.bus.variables['LD_PRELOAD']}:{world.variables['LD_PRELOAD']}"
        env = {**webcam.bus.variables, **world.variables, "LD_PRELOAD": preload}
        with ServerProcess(recordings, "--camera", f"cam=webcam:{webcam.by_id}", env=env) as server:
            viewer = Viewer(server.frames)
            viewer.until(wire.FrameMessage)
            world.set_clock(365 * DAY)
            for _ in range(60):
                frame = viewer.until(wire.FrameMessage).frame
            assert frame.time > time.time() + 364 * DAY
            webcam.unplug()
            wait_for(lambda: server.status()["state"] == "recovering", "the camera to be missed")
            world.set_clock(-DAY)
            webcam.replug()
            for _ in range(30):
                frame = viewer.until(wire.FrameMessage).frame
            assert frame.time < time.time() - DAY / 2
            assert 0 <= float(server.status()["last_fault_age"]) < 60
            viewer.close()
            assert server.end() == 0
        assert "Traceback" not in server.log
