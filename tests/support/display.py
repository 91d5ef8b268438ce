"""A virtual screen for tests of windows."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.process import PATIENCE, wait_for
from tests.support.system import require_program


class VirtualScreen:
    """An X server without hardware, and a hand at its keyboard; ends with the ``with`` block."""

    def __init__(self) -> None:
        self._xvfb = require_program("Xvfb", "xvfb")
        self._xdotool = require_program("xdotool")

    def __enter__(self) -> VirtualScreen:
        reader, writer = os.pipe()
        command = [self._xvfb, "-displayfd", str(writer), "-screen", "0", "800x600x24", "-noreset"]
        quiet = subprocess.DEVNULL
        self._server = subprocess.Popen(command, pass_fds=(writer,), stdout=quiet, stderr=quiet)
        os.close(writer)
        with os.fdopen(reader) as answer:
            self.environment = {**os.environ, "DISPLAY": f":{answer.readline().strip()}"}
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait(PATIENCE)

    def press(self, *keys: str) -> None:
        """Press keys, as xdotool names them, in the window that has the focus."""
        command = [self._xdotool, "key", "--delay", "40", *keys]
        subprocess.run(command, env=self.environment, check=True, timeout=PATIENCE)

    def window(self, title: str) -> str:
        """The number of the window whose title matches, once there is one; it gets the focus."""
        number: str = wait_for(lambda: self._search(title), f"a window called {title!r}")
        command = [self._xdotool, "windowfocus", "--sync", number]
        subprocess.run(command, env=self.environment, check=True, timeout=PATIENCE)
        return number

    def picture(self) -> NDArray[np.uint8]:
        """The whole screen, (height, width, 3) BGR."""
        from Xlib import X
        from Xlib.display import Display

        display: Any = Display(self.environment["DISPLAY"])
        try:
            image = display.screen().root.get_image(0, 0, 800, 600, X.ZPixmap, 0xFFFFFFFF)
        finally:
            display.close()
        return np.frombuffer(image.data, np.uint8).reshape(600, 800, 4)[:, :, :3]

    def _search(self, title: str) -> str | None:
        command = [self._xdotool, "search", "--name", title]
        found = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return found.stdout.split()[-1] if found.stdout.strip() else None
