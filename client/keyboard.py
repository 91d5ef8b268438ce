"""Keys by name, with their modifiers: ``s``, ``S``, ``space``, ``ctrl+s``, ``ctrl+S``.

OpenCV's Qt windows report no capital letters and swallow every key with Ctrl. Where the window is
an X11 one its key events are therefore read beside OpenCV, on a connection of our own.
"""

from __future__ import annotations

from typing import Any, Protocol

from client.x11 import find_window

_NAMES = {
    " ": "space",
    "\0": "ctrl+space",
    "\x1b": "escape",
    "\t": "tab",
    "\r": "return",
    "\n": "return",
}
#: X11's symbols (keysyms) of keys that have a letter in ASCII and are no letter there.
_SYMBOLS = {0xFF1B: "\x1b", 0xFF09: "\t", 0xFF0D: "\r"}


class Keyboard(Protocol):
    """Where a window's keys come from."""

    def keys(self, code: int) -> list[str]:
        """The keys pressed since the last call; ``code`` is what OpenCV says, -1 for nothing."""

    def close(self) -> None:
        """No more keys."""


def name_of(code: int) -> str | None:
    """A key's name from OpenCV's code, where that has the modifiers in it; None for no letter."""
    code &= 0xFF
    if 1 <= code <= 26 and chr(code) not in _NAMES:
        return f"ctrl+{chr(code + 96)}"
    letter = chr(code)
    return _NAMES.get(letter, letter if letter.isascii() and letter.isprintable() else None)


class OpenCVKeyboard:
    """Keys as OpenCV reports them."""

    def keys(self, code: int) -> list[str]:
        """The one key that OpenCV has for us."""
        name = name_of(code) if 0 <= code < 256 else None
        return [] if name is None else [name]

    def close(self) -> None:
        """Nothing to close."""


class X11Keyboard:
    """The key events of this program's X11 window.

    Arguments:
        display: a connection to the X server (Xlib.display.Display); closed with the keyboard.
        window: the window (Xlib window object).
    """

    def __init__(self, display: Any, window: Any) -> None:
        from Xlib import X

        self._x = X
        self._display = display
        window.change_attributes(event_mask=X.KeyPressMask)
        display.flush()

    @classmethod
    def of_title(cls, title: str) -> X11Keyboard | None:
        """For this process's window of that title; None where it is no X11 window."""
        try:
            from Xlib.display import Display
            from Xlib.error import DisplayError

            display = Display()
        except (ImportError, OSError, DisplayError):
            return None
        window = find_window(display, title)
        if window is None:
            display.close()
            return None
        return cls(display, window)

    def keys(self, code: int) -> list[str]:
        """The keys in the order in which they were pressed, auto-repeat included."""
        found = []
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == self._x.KeyPress:
                name = self._name(event)
                if name is not None:
                    found.append(name)
        return found

    def close(self) -> None:
        """Let the X server go."""
        self._display.close()

    def _name(self, event: Any) -> str | None:
        shifted = bool(event.state & self._x.ShiftMask)
        if event.state & self._x.LockMask:
            shifted = not shifted
        symbol = self._display.keycode_to_keysym(event.detail, int(shifted))
        letter = chr(symbol) if 0 < symbol < 256 else _SYMBOLS.get(symbol)
        if letter is None:  # Shift, Ctrl, an arrow, F5: no key of ours
            return None
        name = _NAMES.get(letter, letter if letter.isprintable() else None)
        if name is None:
            return None
        return f"ctrl+{name}" if event.state & self._x.ControlMask else name
