"""A window by OpenCV's highgui."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import cv2

from client.actions import KeyActions
from client.canvas import Size
from client.composer import Composer, natural_size, title
from client.keyboard import Keyboard, OpenCVKeyboard, X11Keyboard
from client.views import View
from client.x11 import find_screen, show_again
from twistedcam.errors import StartupError
from twistedcam.runtime.extras import install_command

#: The largest initial size of a window in pixels. Users can enlarge it.
_ROOM = (1280, 720)
_FIRST_TITLE = "twistedcam"
#: Seconds after the first picture of checks that it is visible.
_LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)
#: Any size: the canvas keeps the aspect ratio.
_FLAGS = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL


class Window:
    """The window. Call its methods only from the main thread.

    Raises:
        StartupError: there is no screen.
    """

    patience = 0.02
    is_seen = True

    def __init__(self, full_screen: bool = False) -> None:
        self._screen = find_screen()
        # A unique name for each process, by which its keys are found.
        self._name = f"{_FIRST_TITLE} {os.getpid()}"
        self._composer = Composer()
        self._keyboard: Keyboard | None = None
        self._full_screen = full_screen
        self._title = ""
        self._titled_at = 0.0
        self._sized = False
        self._views: list[View] = []
        self._code, self._is_polled = -1, False
        self._before: Sequence[int] | None = None
        #: Times of the checks, soonest first, set by the first picture.
        self._looks: list[float] = []
        try:
            cv2.namedWindow(self._name, _FLAGS)
        except cv2.error:
            raise StartupError(
                "this OpenCV has no windows (opencv-python-headless?): use --headless or"
                f" --terminal, or {install_command('--force-reinstall', 'opencv-python')}"
            ) from None
        cv2.resizeWindow(self._name, 640, 480)
        if full_screen:
            self._apply_full_screen()

    def show(self, views: list[View], actions: KeyActions) -> None:
        """Draw all views in the window's current size."""
        self._views = views
        if not self._sized and any(view.frame for view in views):
            self._sized = True
            if self._screen is not None and not self._screen.is_managed:
                self._looks = [time.monotonic() + each for each in _LOOKS]
            if not self._full_screen:
                cv2.resizeWindow(self._name, *natural_size(views, self._room()))
        _, _, width, height = cv2.getWindowImageRect(self._name)
        picture = None
        if width > 0 and height > 0:
            picture = self._composer.compose(views, actions, (width, height))
            cv2.imshow(self._name, picture)
        self._code = cv2.pollKey()  # lets the window system draw
        self._is_polled = True
        if picture is not None and self._looks and time.monotonic() >= self._looks[0]:
            del self._looks[0]
            show_again(self._title or self._name, picture)

    def pressed(self) -> list[str]:
        """Return the keys since the last call."""
        if not self._is_polled:  # once is enough, and takes a millisecond
            self._code = cv2.pollKey()
        code, self._code, self._is_polled = self._code, -1, False
        if self._is_closed():
            return ["q"]
        self._retitle()
        if self._keyboard is None:
            self._keyboard = X11Keyboard.of_title(self._title or self._name) or OpenCVKeyboard()
        return self._keyboard.keys(code)

    def toggle_full_screen(self) -> None:
        """Toggle full screen."""
        self._full_screen = not self._full_screen
        self._apply_full_screen()

    def close(self) -> None:
        """Close the window."""
        if self._keyboard is not None:
            self._keyboard.close()
        if not self._is_closed():
            cv2.destroyWindow(self._name)
        cv2.pollKey()

    def _room(self) -> Size:
        """Return a window size within the limit. A smaller one is unchanged: scaling takes time."""
        if self._screen is None:
            return _ROOM
        return min(_ROOM[0], self._screen.width), min(_ROOM[1], self._screen.height)

    def _apply_full_screen(self) -> None:
        value = cv2.WINDOW_FULLSCREEN if self._full_screen else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._name, cv2.WND_PROP_FULLSCREEN, value)
        if self._screen is None or self._screen.is_managed:
            return
        if self._full_screen:
            self._before = cv2.getWindowImageRect(self._name)
            cv2.moveWindow(self._name, 0, 0)
            cv2.resizeWindow(self._name, self._screen.width, self._screen.height)
        elif self._before is not None:
            cv2.resizeWindow(self._name, *self._before[2:])

    def _is_closed(self) -> bool:
        try:
            return cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:
            return True

    def _retitle(self) -> None:
        """Update the title: at once for a new state, once a second for statistics."""
        now = time.monotonic()
        text = title(self._views)
        if text != self._title and (now - self._titled_at >= 1.0 or self._state_changed(text)):
            self._title, self._titled_at = text, now
            cv2.setWindowTitle(self._name, text)

    def _state_changed(self, text: str) -> bool:
        def without_figures(each: str) -> str:
            return "".join(letter for letter in each if not letter.isdigit())

        return without_figures(text) != without_figures(self._title)
