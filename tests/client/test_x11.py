"""A window that stays black is shown anew, one that is painted is left alone."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from client.x11 import show_again
from tests.support.display import VirtualScreen

SIZE = (60, 40)


BLACK = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
LIT = BLACK.copy()
LIT[-1, 3] = (0, 0, 1)


@pytest.mark.parametrize(
    ("colour", "painted", "shown"),
    [(0, LIT, 2), (0x181818, LIT, 1), (0, BLACK, 1), (0, np.repeat(LIT, 2, axis=0), 2)],
    ids=["black", "painted", "of something black", "of another size"],
)
def test_a_window_on_which_nothing_is_painted_is_shown_anew(
    monkeypatch: pytest.MonkeyPatch, colour: int, painted: NDArray[np.uint8], shown: int
) -> None:
    from Xlib import X
    from Xlib.display import Display

    with VirtualScreen() as screen:
        monkeypatch.setenv("DISPLAY", screen.environment["DISPLAY"])
        display: Any = Display()
        try:
            window = display.screen().root.create_window(
                0, 0, *SIZE, 0, X.CopyFromParent, background_pixel=colour
            )
            window.change_attributes(event_mask=X.StructureNotifyMask)
            for name, kind, form, value in (
                ("_NET_WM_PID", "CARDINAL", 32, [os.getpid()]),
                ("_NET_WM_NAME", "UTF8_STRING", 8, b"cam"),
            ):
                atoms = display.intern_atom(name), display.intern_atom(kind)
                window.change_property(*atoms, form, value)
            window.map()
            window.set_input_focus(X.RevertToParent, X.CurrentTime)
            display.sync()
            show_again("another", painted)
            show_again("cam", painted)
            display.sync()
            events = [display.next_event() for _ in range(display.pending_events())]
            assert [each.type for each in events].count(X.MapNotify) == shown
            assert display.get_input_focus().focus == window
        finally:
            display.close()
