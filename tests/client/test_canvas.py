"""Pictures on a canvas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import canvas
from client.actions import HELP

sides = st.integers(1, 3000)


@given(st.tuples(sides, sides), st.tuples(sides, sides))
def test_a_picture_fits_touches_two_edges_and_stands_in_the_middle(
    source: tuple[int, int], room: tuple[int, int]
) -> None:
    left, top, width, height = canvas.fit(source, room)
    assert 0 < width <= room[0] and 0 < height <= room[1]
    assert width == room[0] or height == room[1]
    assert left == (room[0] - width) // 2 and top == (room[1] - height) // 2


def test_the_aspect_is_kept() -> None:
    assert canvas.fit((1280, 720), (1000, 1000)) == (0, 219, 1000, 562)


@given(st.integers(1, 20), st.tuples(st.integers(50, 2000), st.integers(50, 2000)))
def test_cells_are_inside_and_do_not_overlap(count: int, room: tuple[int, int]) -> None:
    seen = np.zeros((room[1], room[0]), np.uint8)
    for left, top, width, height in canvas.cells(count, room):
        seen[top : top + height, left : left + width] += 1
    assert seen.max() == 1
    assert len(canvas.cells(count, room)) == count


def test_a_placed_picture_has_its_bars_left_dark() -> None:
    whole = canvas.blank((100, 100))
    canvas.place(whole, np.full((50, 100, 3), 200, np.uint8))
    assert whole[50, 50].tolist() == [200, 200, 200]
    assert whole[5, 50].max() < 40


def test_dimming_and_words_leave_something_to_see() -> None:
    whole = canvas.blank((320, 240))
    canvas.place(whole, np.full((240, 320, 3), 200, np.uint8))
    canvas.dim(whole)
    assert whole.max() == 60
    canvas.announce(whole, "cam: lost", "connection refused " * 20)
    canvas.note(whole, ["cam live", "30.0 fps"])
    assert whole.max() > 200


def test_a_line_that_is_too_long_is_cut() -> None:
    whole = canvas.blank((200, 40))
    canvas.note(whole, ["x" * 300])
    assert (whole[:, -4:] <= 24).all()
    assert whole.max() > 200


def test_a_long_text_below_is_whole_in_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    write = canvas._write

    def note(image: canvas.Image, text: str, *rest: Any) -> None:
        drawn.append(text)
        write(image, text, *rest)

    monkeypatch.setattr(canvas, "_write", note)
    for width in (320, 640):
        for text in (HELP, "recorded door_2026-11-30_19-58-17.317.mkv: 13 frames, 2.0 s", "on"):
            drawn.clear()
            whole = canvas.blank((width, 240))
            canvas.note_below(whole, text)
            assert " ".join(drawn).split() == text.split()
            assert whole[-30:].max() > 200  # it begins at the lower edge
            assert whole[:60].max() == 24
