"""The icon can be told apart without colours, at every size that panels have."""

from __future__ import annotations

from itertools import combinations

import pytest
from PIL import Image

from tray.icon import SIZES, draw
from tray.state import LOOKS, Look

PANELS = {"light": (240, 240, 240), "dark": (30, 30, 34)}


def shown(look: Look, size: int, panel: str) -> bytes:
    """The icon's grey levels on a panel."""
    background = Image.new("RGBA", (size, size), (*PANELS[panel], 255))
    background.alpha_composite(draw(look, size))
    return background.convert("L").tobytes()


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("size", SIZES)
def test_all_states_differ_in_shape(size: int, panel: str) -> None:
    for one, other in combinations(LOOKS, 2):
        pairs = zip(shown(one, size, panel), shown(other, size, panel), strict=True)
        different = sum(abs(a - b) > 60 for a, b in pairs)
        assert different >= size * size * 0.06, f"{one} and {other} look alike at {size}"


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("look", LOOKS)
def test_every_state_stands_out_from_the_panel(look: Look, panel: str) -> None:
    ground = sum(PANELS[panel]) // 3
    assert sum(abs(each - ground) > 60 for each in shown(look, 16, panel)) >= 16 * 16 * 0.2


@pytest.mark.parametrize("size", SIZES)
def test_only_recording_has_a_red_dot(size: int) -> None:
    for look in LOOKS:
        colours = draw(look, size).getcolors(size * size) or []
        red = sum(n for n, (r, g, b, a) in colours if a > 200 and r > 200 and max(g, b) < 60)
        assert (red > size * size * 0.08) == (look == "recording"), look


def test_it_has_the_size_that_was_asked_for_and_is_new_each_time() -> None:
    assert draw("live", 37).size == (37, 37)
    assert draw("live", 16) is not draw("live", 16)
