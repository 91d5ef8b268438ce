"""Checks of a camera's state that a server sends, which may be wrong or malicious."""

from __future__ import annotations

from dataclasses import replace

from twistedcam import wire
from twistedcam.media import jpeg
from twistedcam.util.camera_name import MAX_TITLE
from twistedcam.util.one_line import on_one_line

#: The maximum length of a state's reason and of other words, and the maximum rate.
MAX_REASON = 500
MAX_WORD = 64
MAX_FPS = 1000.0
_MAX_SIDE = 65535


def check_state(state: wire.State) -> tuple[wire.State, str]:
    """Return a valid STATE, and a description of what was replaced, or an empty text.

    An impossible picture size, or a rate above ``MAX_FPS``, is replaced by 0, which means unknown.
    Texts are shortened and put on one line.
    """
    size, fps, refused = (state.width, state.height), state.fps, []
    if size != (0, 0) and not _is_size(*size):
        refused.append(f"pictures of {_number(size[0])}x{_number(size[1])}")
        size = (0, 0)
    if not 0 <= fps <= MAX_FPS:
        refused.append(f"{_number(fps)} pictures a second")
        fps = 0.0
    reason = None if state.reason is None else on_one_line(state.reason[:MAX_REASON])
    checked = replace(
        state,
        camera=state.camera[:MAX_WORD],
        state=on_one_line(state.state[:MAX_WORD]),
        width=size[0],
        height=size[1],
        fps=fps,
        reason=reason,
        title=None if state.title is None else on_one_line(state.title[:MAX_TITLE]) or None,
        via=tuple(word[:MAX_WORD] for word in state.via),
    )
    return checked, " and ".join(refused)


def _is_size(width: int, height: int) -> bool:
    sides = 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE
    return sides and width * height <= jpeg.MOST_PIXELS


def _number(value: float) -> str:
    return str(value) if abs(value) < 1e6 else f"{value:.3g}"
