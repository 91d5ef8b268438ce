"""Time stamps, and timers that do not depend on changes of the wall clock."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

import pytest
from twisted.internet.selectreactor import SelectReactor

from tests.fakecam import FakeCam, Format, require_fakecam
from tests.soak.world import World
from tests.support.process import ServerProcess, wait_for
from tests.support.viewer import Viewer
from twistedcam import wire
from twistedcam.runtime import clock
from twistedcam.runtime.clock import use_monotonic_clock

DAY = 86_400.0


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_reactor_s_timers_do_not_use_the_wall_clock(
    monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    reactor, due = SelectReactor(), list[str]()
    reactor.callLater(0, due.append, "waits already")
    reactor.callLater(DAY / 2, due.append, "waits long")
    use_monotonic_clock(reactor)
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + jump)
    reactor.callLater(0, due.append, "now")
    reactor.runUntilCurrent()
    assert due == ["waits already", "now"]


def test_setting_the_clock_affects_neither_viewers_nor_cameras(tmp_path: Path) -> None:
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


def test_the_time_since_boot_is_the_kernel_s() -> None:
    before = float(Path("/proc/uptime").read_text().split()[0])
    found = clock.uptime()
    after = float(Path("/proc/uptime").read_text().split()[0])
    assert before - 0.02 <= found <= after + 0.02


def test_the_boot_has_a_name_of_16_digits() -> None:
    name = clock.boot_id()
    assert len(name) == 16
    assert int(name, 16) >= 0


@pytest.mark.parametrize(("state", "is_synchronized"), [(0, True), (5, False), (-1, False)])
def test_the_kernel_says_whether_the_clock_is_synchronized(
    state: int, is_synchronized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        @staticmethod
        def adjtimex(_: object) -> int:
            return state

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    assert clock.is_synchronized() is is_synchronized


def test_a_system_without_adjtimex_counts_as_not_synchronized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not clock.is_synchronized()
