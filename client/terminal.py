"""Shows pictures in a terminal, for example over SSH."""

from __future__ import annotations

import base64
import contextlib
import os
import select
import shutil
import sys
import termios
import tty
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from client import canvas
from client.actions import KeyActions
from client.canvas import Image, Size
from client.composer import Composer, title
from client.keyboard import name_of
from client.views import View
from twistedcam.errors import StartupError
from twistedcam.util.one_line import on_one_line

_HOME = "\x1b[H"
_BEGIN = "\x1b[?1049h\x1b[?25l\x1b[2J"
_END = "\x1b[0m\x1b[?25h\x1b[?1049l"
#: Most pixels of a drawing, so that a slow connection keeps up.
_MAXIMUM = (960, 540)

Draw = Callable[[Image, Size], str]


def half_blocks(image: Image, size: Size) -> str:
    """Draw two pixels in each character cell: foreground above, background below.

    Arguments:
        image: (2 · rows, columns, 3) BGR.
        size: (columns, rows) of the terminal. The image already has this size.
    """
    upper, lower = image[0::2].astype(int), image[1::2].astype(int)
    lines = []
    for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
        cells, last = [], None
        for (b1, g1, r1), (b2, g2, r2) in zip(above, below, strict=True):
            colours = (r1, g1, b1, r2, g2, b2)
            if colours != last:
                cells.append(f"\x1b[38;2;{r1};{g1};{b1};48;2;{r2};{g2};{b2}m")
                last = colours
            cells.append("▀")
        lines.append("".join(cells) + "\x1b[0m")
    return "\r\n".join(lines)


def kitty(image: Image, size: Size) -> str:
    """Draw by the kitty graphics protocol: RGB pixels, deflated, in base64 chunks."""
    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    data = base64.b64encode(zlib.compress(rgb.tobytes(), 1)).decode()
    height, width = image.shape[:2]
    head = f"a=T,f=24,o=z,i=1,q=2,C=1,s={width},v={height},c={size[0]},r={size[1]}"
    chunks = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    parts = []
    for number, chunk in enumerate(chunks):
        more = int(number < len(chunks) - 1)
        keys = f"{head},m={more}" if number == 0 else f"m={more}"
        parts.append(f"\x1b_G{keys};{chunk}\x1b\\")
    return "".join(parts)


def iterm(image: Image, size: Size) -> str:
    """Draw with iTerm2's inline images, which other terminals support too."""
    ok, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 70])
    data = base64.b64encode(jpeg.tobytes()).decode() if ok else ""
    keys = f"inline=1;width={size[0]};height={size[1]};preserveAspectRatio=0"
    return f"\x1b]1337;File={keys}:{data}\x07"


def choose(environment: Mapping[str, str]) -> Draw:
    """Return the best drawing function of the terminal. Half blocks work on all."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if environment.get("TMUX") or term.startswith(("screen", "tmux")):
        return half_blocks
    if "kitty" in term or "KITTY_WINDOW_ID" in environment or program == "ghostty":
        return kitty
    return iterm if program in ("iTerm.app", "WezTerm") else half_blocks


class TerminalKeys:
    """The terminal on standard input and output. ``close`` restores it.

    Raises:
        StartupError: standard output is not a terminal.
    """

    patience = 0.1
    is_seen = True

    def __init__(self) -> None:
        if not sys.stdout.isatty():
            raise StartupError("--terminal needs a terminal as standard output")
        self._draw = choose(os.environ)
        self._composer = Composer()
        self._keys_from: int | None = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._before: list[Any] | None = None
        if self._keys_from is not None:
            self._before = termios.tcgetattr(self._keys_from)
            tty.setcbreak(self._keys_from)
            settings = termios.tcgetattr(self._keys_from)
            settings[0] &= ~termios.IXON  # Ctrl-S and Ctrl-Q are ordinary keys
            termios.tcsetattr(self._keys_from, termios.TCSADRAIN, settings)
        self._say(_BEGIN)

    def show(self, views: list[View], actions: KeyActions) -> None:
        """Draw all views, and a line of statistics below."""
        columns, lines = shutil.get_terminal_size()
        size = (columns, max(1, lines - 1))
        if self._draw is half_blocks:
            # Drawn larger and then reduced, so that texts on the picture stay readable.
            room = (size[0] * 4, size[1] * 8)
            image = self._composer.compose(views, actions, room)
            pixels = (size[0], size[1] * 2)
            small = cv2.resize(image, pixels, interpolation=cv2.INTER_AREA)
            picture = half_blocks(small.astype(np.uint8, copy=False), size)
        else:
            _, _, width, height = canvas.fit((size[0] * 10, size[1] * 20), _MAXIMUM)
            picture = self._draw(self._composer.compose(views, actions, (width, height)), size)
        line = on_one_line(actions.message or title(views))[: columns - 1]
        self._say(f"{_HOME}{picture}\x1b[{lines};1H\x1b[0m\x1b[K{line}")

    def pressed(self) -> list[str]:
        """Return the keys since the last call."""
        found: list[str] = []
        while self._keys_from is not None and select.select([self._keys_from], [], [], 0)[0]:
            data = os.read(self._keys_from, 64)
            if not data:
                self._keys_from = None
            if data.startswith(b"\x1b") and len(data) > 1:
                continue  # an arrow or a function key
            found.extend(name for byte in data if (name := name_of(byte)) is not None)
        return found

    def toggle_full_screen(self) -> None:
        """Do nothing: the picture always fills the terminal."""

    def close(self) -> None:
        """Restore the terminal."""
        with contextlib.suppress(OSError):
            self._say(_END)
        if self._before is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def _say(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
