"""Which keys an X11 window is told of."""

from __future__ import annotations

from typing import Any

import pytest

from client.keyboard import X11Keyboard
from tests.support.display import VirtualScreen
from tests.support.process import wait_for


def test_only_keys_with_a_letter_have_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from Xlib import X
    from Xlib.display import Display

    with VirtualScreen() as screen:
        monkeypatch.setenv("DISPLAY", screen.environment["DISPLAY"])
        display: Any = Display()
        window = display.screen().root.create_window(0, 0, 60, 40, 0, X.CopyFromParent)
        keyboard = X11Keyboard(display, window)
        try:
            window.map()
            display.sync()
            window.set_input_focus(X.RevertToParent, X.CurrentTime)
            display.sync()
            screen.press("shift", "ctrl", "alt", "Left", "F5", "ctrl+Delete", "KP_Enter")
            screen.press("ctrl+space", "shift+s", "Escape", "q")
            found: list[str] = []
            wait_for(lambda: found.extend(keyboard.keys(-1)) or found[-1:] == ["q"], "the last key")
            assert found == ["ctrl+space", "S", "escape", "q"]
        finally:
            keyboard.close()
