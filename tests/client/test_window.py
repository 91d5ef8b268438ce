"""The viewer's window, on a virtual screen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.support.display import VirtualScreen
from tests.support.frame_serving import ServingCase
from tests.support.process import PATIENCE, wait_for
from twistedcam.media.frame import Frame

ROOT = Path(__file__).parents[2]


def brightest(screen: VirtualScreen) -> int:
    """How bright the picture's middle third is, where the colour bars are."""
    return int(np.percentile(screen.picture()[60:160, 20:300], 95))


@contextmanager
def viewer(screen: VirtualScreen, folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The viewer on that screen, its files in that folder; killed if it does not end itself."""
    environment = {**screen.environment, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "client", *words]
    running = subprocess.Popen(
        command, env=environment, cwd=folder, text=True, stdout=-1, stderr=-1
    )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate(timeout=PATIENCE)


class WindowTests(ServingCase):
    timeout = 5 * PATIENCE

    async def test_keys_act_here_and_with_ctrl_at_the_server(self) -> None:
        with VirtualScreen() as screen:
            await self.in_thread(self.use_keys, screen)

    def use_keys(self, screen: VirtualScreen) -> None:
        here = self.folder / "here"
        here.mkdir()
        with viewer(screen, here, "--control", f":{self.control_port}", self.url()) as running:
            screen.window("cam - live [0-9]+ fps")
            wait_for(lambda: brightest(screen) > 150, "a bright picture")
            screen.press("r", "i")
            wait_for(lambda: list(here.glob(".cam_*.mkv.part")), "a recording")
            screen.press("shift+s")
            snapshot = wait_for(lambda: list(here.glob("cam_*.jpg")), "a snapshot")[0]
            self.assertEqual(Frame(1, 0, 0, 0, snapshot.read_bytes()).image.shape, (240, 320, 3))
            screen.press("e", "s")
            screen.window("cam - paused")
            wait_for(lambda: brightest(screen) < 80, "a dimmed picture")
            screen.press("space")
            screen.window("cam - live")
            screen.press("ctrl+s")
            screen.window("cam - stopped")
            screen.press("ctrl+space")
            screen.window("cam - live")
            screen.press("ctrl+r")
            there = self.folder / "recordings"
            wait_for(lambda: list(there.glob(".cam_*.part")), "a recording at the server")
            screen.press("ctrl+shift+s")
            wait_for(lambda: list(there.glob("cam_*.jpg")), "a snapshot at the server")
            screen.press("ctrl+e")
            wait_for(lambda: list(there.glob("cam_*.m[pk]*")), "a whole recording at the server")
            screen.press("ctrl+q")
            wait_for(lambda: self.ends, "the server is asked to end")
            screen.press("q")
            self.assertEqual(running.wait(PATIENCE), 0)
        with av.open(str(next(here.glob("cam_*.mkv")))) as film:
            self.assertGreater(sum(1 for _ in film.decode(video=0)), 1)

    async def test_the_whole_screen_is_filled_and_let_go_again(self) -> None:
        with VirtualScreen() as screen, viewer(screen, self.folder, self.url()):
            await self.in_thread(screen.window, "cam - live")
            await self.in_thread(wait_for, lambda: brightest(screen) > 150, "a bright picture")
            corner = screen.picture()[590:, 790:].copy()
            screen.press("f")
            await self.in_thread(
                wait_for, lambda: (screen.picture()[590:, 790:] != corner).any(), "a full screen"
            )
            screen.press("f")
            await self.in_thread(
                wait_for, lambda: (screen.picture()[590:, 790:] == corner).all(), "a window"
            )

    async def test_several_cameras_fit_on_the_screen_and_say_how_each_is(self) -> None:
        urls = [self.url()] * 3
        with VirtualScreen() as screen, viewer(screen, self.folder, *urls):
            await self.in_thread(screen.window, "cam - live.*, cam - live.*, cam - live")
            cells = ((40, 30), (400, 30), (40, 300))  # left of the middle of each, at its top

            def fits() -> bool:
                """All at one look: the window is made, sized and painted step by step."""
                shown = screen.picture()
                pictures = [shown[top : top + 60, left : left + 200] for left, top in cells]
                bright = all(picture.max() > 150 for picture in pictures)
                return bright and bool(shown[:, 740:].max() < 60)

            await self.in_thread(wait_for, fits, "three bright pictures, and nothing beside them")

    async def test_a_lost_server_is_said_over_the_last_picture(self) -> None:
        with VirtualScreen() as screen, viewer(screen, self.folder, self.url()) as running:
            await self.in_thread(screen.window, "cam - live")
            await self.end_server()
            await self.in_thread(screen.window, "cam - lost")
            self.serve()
            await self.in_thread(screen.window, "cam - live")
            running.terminate()
            self.assertEqual(await self.in_thread(running.wait, PATIENCE), 0)

    async def test_without_a_screen_it_says_what_to_do(self) -> None:
        def call(**more: str) -> Any:
            environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
            command = [sys.executable, "-m", "client", self.url()]
            return subprocess.run(
                command,
                env={**environment, **more},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )

        for more in ({}, {"DISPLAY": ":4711"}):
            ended = await self.in_thread(call, **more)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("use --headless or --terminal", ended.stderr)
            self.assertEqual(len(ended.stderr.splitlines()), 1)
