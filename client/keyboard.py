"""Keys by name, with their modifiers: ``s``, ``S``, ``space``, ``ctrl+s``, ``ctrl+S``.

OpenCV's Qt windows report no capital letters and no keys with Ctrl. So the key events of an X11
window are read beside OpenCV, on a separate connection.
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
#: X11's symbols (keysyms) of keys that have an ASCII character but another symbol.
_SYMBOLS = {0xFF1B: "\x1b", 0xFF09: "\t", 0xFF0D: "\r"}


class Keyboard(Protocol):
    """A source of a window's keys."""

    def keys(self, code: int) -> list[str]:
        """Return the keys since the last call. ``code`` is OpenCV's key code, -1 for none."""

    def close(self) -> None:
        """Stop reading keys."""


def name_of(code: int) -> str | None:
    """Return a key's name from OpenCV's code with its modifiers, or None for other keys."""
    code &= 0xFF
    if 1 <= code <= 26 and chr(code) not in _NAMES:
        return f"ctrl+{chr(code + 96)}"
    letter = chr(code)
    return _NAMES.get(letter, letter if letter.isascii() and letter.isprintable() else None)


class OpenCVKeyboard:
    """Keys as OpenCV reports them."""

    def keys(self, code: int) -> list[str]:
        """Return the key that OpenCV reports."""
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
        """Make one for this process's window of a title, or None without X11."""
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
        """Return the keys in order, with auto-repeat."""
        found = []
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == self._x.KeyPress:
                name = self._name(event)
                if name is not None:
                    found.append(name)
        return found

    def close(self) -> None:
        """Close the connection to the X server."""
        self._display.close()

    def _name(self, event: Any) -> str | None:
        shifted = bool(event.state & self._x.ShiftMask)
        if event.state & self._x.LockMask:
            shifted = not shifted
        symbol = self._display.keycode_to_keysym(event.detail, int(shifted))
        letter = chr(symbol) if 0 < symbol < 256 else _SYMBOLS.get(symbol)
        if letter is None:  # Shift, Ctrl, an arrow, F5: not used
            return None
        name = _NAMES.get(letter, letter if letter.isprintable() else None)
        if name is None:
            return None
        return f"ctrl+{name}" if event.state & self._x.ControlMask else name
