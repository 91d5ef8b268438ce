"""The X server's screen, for what OpenCV does not offer."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twistedcam.errors import StartupError


@dataclass(frozen=True)
class X11Screen:
    """A screen.

    Arguments:
        width, height: in pixels.
        is_managed: True if there is a window manager. Without one, full screen does not work.
    """

    width: int
    height: int
    is_managed: bool


def find_screen() -> X11Screen | None:
    """Return the screen, or None without X11 (macOS, or no python-xlib).

    This runs before Qt starts, because Qt would end the process if there is no screen.

    Raises:
        StartupError: there is no screen. The message has advice.
    """
    if not sys.platform.startswith("linux"):
        return None
    if not os.environ.get("DISPLAY"):
        raise StartupError("there is no screen (DISPLAY is not set): use --headless or --terminal")
    try:
        from Xlib import X
        from Xlib.display import Display
        from Xlib.error import DisplayError
    except ImportError:
        return None
    try:
        display = Display()
    except (DisplayError, OSError) as error:
        raise StartupError(
            f"no screen can be had ({error}): use --headless or --terminal"
        ) from None
    try:
        screen = display.screen()
        check = display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        manager = screen.root.get_full_property(check, X.AnyPropertyType)
        return X11Screen(screen.width_in_pixels, screen.height_in_pixels, manager is not None)
    finally:
        display.close()


def show_again(title: str, painted: NDArray[np.uint8]) -> None:
    """Show a window again if it stayed black.

    Without a window manager, Qt sometimes does not notice that its window is visible, and draws
    nothing. If the picture itself is black, this cannot be decided and nothing is done.

    Arguments:
        title: the window's title.
        painted: the expected picture, (height, width, 3).
    """
    from Xlib import X
    from Xlib.display import Display

    light = painted.max(axis=(1, 2))
    brightest = int(light.argmax())
    if not light[brightest]:
        return
    display = Display()
    try:
        window = find_window(display, title)
        if window is None:
            return
        size = window.get_geometry()
        line = brightest * size.height // len(light)
        row = window.get_image(0, line, size.width, 1, X.ZPixmap, 0xFFFFFF)
        if not any(row.data):
            has_keys = display.get_input_focus().focus == window
            window.unmap()
            window.map()
            if has_keys:
                window.set_input_focus(X.RevertToParent, X.CurrentTime)
            display.sync()
    except Exception:  # it is closing, or partly outside the screen
        return
    finally:
        display.close()


def find_window(display: Any, title: str) -> Any | None:
    """Return this process's window of a title."""
    pid_atom, name_atom = (display.intern_atom(each) for each in ("_NET_WM_PID", "_NET_WM_NAME"))
    queue = [display.screen().root]
    while queue:
        each = queue.pop(0)
        try:
            pid = each.get_full_property(pid_atom, 0)
            name = each.get_full_property(name_atom, 0)
            mine = pid is not None and pid.value[0] == os.getpid()
            if mine and name is not None and name.value.decode(errors="replace") == title:
                return each
            queue.extend(each.query_tree().children)
        except Exception:  # a window that went away meanwhile: Xlib's errors have no common root
            continue
    return None
