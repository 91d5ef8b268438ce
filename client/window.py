"""A window of OpenCV's highgui."""

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

#: A window is made no larger than that, in pixels; who wants more pulls at it.
_ROOM = (1280, 720)
_FIRST_TITLE = "twistedcam"
#: Seconds after its first picture at which it is looked whether that can be seen.
_LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)
#: Its size is free: the aspect is kept on the canvas, and the rest of it is ours too.
_FLAGS = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL


class Window:
    """The window. All its methods belong to the main thread.

    Raises:
        StartupError: there is no screen.
    """

    patience = 0.02
    is_seen = True

    def __init__(self, full_screen: bool = False) -> None:
        self._screen = find_screen()
        # A name of its own for each process: keys are found by it.
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
        #: When to look, soonest first; set with the first picture.
        self._looks: list[float] = []
        try:
            cv2.namedWindow(self._name, _FLAGS)
        except cv2.error:
            raise StartupError(
                "this OpenCV has no windows (opencv-python-headless?): "
                "pip install opencv-python, or use --headless or --terminal"
            ) from None
        cv2.resizeWindow(self._name, 640, 480)
        if full_screen:
            self._apply_full_screen()

    def show(self, views: list[View], actions: KeyActions) -> None:
        """Styler all views in the window's present size."""
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
        self._code = cv2.pollKey()  # lets the window system paint
        self._is_polled = True
        if picture is not None and self._looks and time.monotonic() >= self._looks[0]:
            del self._looks[0]
            show_again(self._title or self._name, picture)

    def pressed(self) -> list[str]:
        """The keys since the last call."""
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
        """Fill the screen, or no longer."""
        self._full_screen = not self._full_screen
        self._apply_full_screen()

    def close(self) -> None:
        """Take the window away."""
        if self._keyboard is not None:
            self._keyboard.close()
        if not self._is_closed():
            cv2.destroyWindow(self._name)
        cv2.pollKey()

    def _room(self) -> Size:
        """The most that a window may have. One that fits stays as it is: scaling takes time."""
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
        """The title changes at once with the state, and once a second with the figures."""
        now = time.monotonic()
        text = title(self._views)
        if text != self._title and (now - self._titled_at >= 1.0 or self._state_changed(text)):
            self._title, self._titled_at = text, now
            cv2.setWindowTitle(self._name, text)

    def _state_changed(self, text: str) -> bool:
        def without_figures(each: str) -> str:
            return "".join(letter for letter in each if not letter.isdigit())

        return without_figures(text) != without_figures(self._title)
