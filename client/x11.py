"""The screen of an X server, as far as OpenCV does not know it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from twistedcam.errors import StartupError


@dataclass(frozen=True)
class X11Screen:
    """A screen.

    Arguments:
        width, height: in pixels.
        is_managed: whether there is a window manager; where there is none, nobody makes a window
            as large as the screen when it asks for that.
    """

    width: int
    height: int
    is_managed: bool


def find_screen() -> X11Screen | None:
    """The screen; None where there is no X server to ask (macOS, or no python-xlib).

    Finds out that there is no screen before Qt does, which would end the process.

    Raises:
        StartupError: there is none; with what to do.
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
