"""Sees and moves what is on the display: started by `desktop.Driver`, told what to do by lines.

Menus are found through the accessibility bus, clicked with a real pointer.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402
from PIL import ImageGrab  # noqa: E402
from Xlib import X, display, error  # noqa: E402

from tests.support.process import PATIENCE, wait_for  # noqa: E402

PID = int(sys.argv[1])
DISPLAY = display.Display()


def find_icon() -> tuple[int, int, int, int] | None:
    """The docked icon: the window in the panel that speaks XEMBED."""
    root = DISPLAY.screen().root
    mark = DISPLAY.intern_atom("_XEMBED_INFO")
    waiting = [(window, root) for window in root.query_tree().children]
    while waiting:
        window, parent = waiting.pop()
        with contextlib.suppress(error.BadWindow, error.BadDrawable, error.BadMatch):
            shown = window.get_attributes().map_state == X.IsViewable
            if parent != root and shown and window.get_full_property(mark, X.AnyPropertyType):
                size, at = window.get_geometry(), root.translate_coords(window, 0, 0)
                if size.width > 4 and size.height > 4:
                    return at.x, at.y, size.width, size.height
            waiting += [(each, window) for each in window.query_tree().children]
    return None


def icon() -> tuple[int, int, int, int]:
    """The same, waited for."""
    found: tuple[int, int, int, int] = wait_for(find_icon, "the icon")
    return found


def no_icon() -> bool:
    """Waits until there is none."""
    return bool(wait_for(lambda: find_icon() is None, "the icon to go"))


def no_panel() -> bool:
    """Waits until nobody manages the icons: a panel that starts before that ends at once."""
    selection = DISPLAY.intern_atom(f"_NET_SYSTEM_TRAY_S{DISPLAY.get_default_screen()}")
    return bool(wait_for(lambda: not DISPLAY.get_selection_owner(selection), "the panel to go"))


def look() -> dict[str, dict[str, Any]]:
    """All items of menus on the screen, by label."""
    context = GLib.MainContext.default()
    while context.iteration(False):
        pass
    found: dict[str, dict[str, Any]] = {}
    with contextlib.suppress(GLib.Error):  # the menu changes under our eyes: look again
        desktop = Atspi.get_desktop(0)
        children = [desktop.get_child_at_index(n) for n in range(desktop.get_child_count())]
        waiting = [each for each in children if each and each.get_process_id() == PID]
        for each in waiting:
            each.clear_cache()
        while waiting:
            node = waiting.pop()
            states = node.get_state_set()
            role = node.get_role_name()
            showing = states.contains(Atspi.StateType.SHOWING)
            if showing and (role.endswith("menu item") or role == "menu") and node.get_name():
                box = node.get_extents(Atspi.CoordType.SCREEN)
                found[node.get_name()] = {
                    "x": box.x + min(box.width // 2, 60),
                    "y": box.y + box.height // 2,
                    "box": (box.x, box.y, box.width, box.height),
                    "checked": states.contains(Atspi.StateType.CHECKED),
                    "enabled": states.contains(Atspi.StateType.SENSITIVE),
                }
            waiting += [node.get_child_at_index(n) for n in range(node.get_child_count())]
            waiting = [each for each in waiting if each]
        return found
    return {}


def find(label: str) -> dict[str, Any] | None:
    """The item of that label; ``Rec…`` is one that begins so."""
    items = look()
    if label.endswith("…"):
        return next((items[each] for each in items if each.startswith(label[:-1])), None)
    return items.get(label)


def xdotool(*words: object) -> None:
    """Move and press as a person would."""
    subprocess.run(["xdotool", *map(str, words)], check=True, timeout=PATIENCE)


def open_menu(path: list[str]) -> None:
    """Right-click the icon, then hover over submenus until their items show."""
    if look():
        close_menu()
    for _ in range(4):
        left, top, width, height = icon()
        xdotool("mousemove", left + width // 2, top + height // 2, "click", 3)
        with contextlib.suppress(AssertionError):
            wait_for(look, "the menu", 10)
            break
    for label in path:
        item = wait_for(lambda label=label: find(label), f"{label!r}; there is {list(look())}")
        before = len(look())
        xdotool("mousemove", item["x"], item["y"])
        wait_for(lambda before=before: len(look()) > before, f"the submenu of {label!r}")


def menu(path: list[str]) -> dict[str, dict[str, Any]]:
    """Open the menu, or one of its submenus, and tell the items; it stays open."""
    if path or not look():
        open_menu(path)
    return look()


def peek() -> dict[str, dict[str, Any]]:
    """The items of the menu as it is, without touching it."""
    return look()


def cut() -> list[str]:
    """The items that are not whole: they lie beyond the edge of their menu, or of the screen."""
    screen = DISPLAY.screen()
    menus = []
    for window in screen.root.query_tree().children:
        with contextlib.suppress(error.BadWindow, error.BadDrawable):
            found, at = window.get_attributes(), window.get_geometry()
            if found.override_redirect and found.map_state == X.IsViewable:
                right = min(at.x + at.width, screen.width_in_pixels)
                bottom = min(at.y + at.height, screen.height_in_pixels)
                menus.append((max(at.x, 0), max(at.y, 0), right, bottom))

    def whole(x: int, y: int, width: int, height: int) -> bool:
        return any(
            left <= x and top <= y and x + width <= right and y + height <= bottom
            for left, top, right, bottom in menus
        )

    items = look()
    return [label for label, each in items.items() if not whole(*each["box"])]


def click(path: list[str]) -> None:
    """Click an item that can be clicked."""
    open_menu(path[:-1])

    def ready() -> dict[str, Any] | None:
        item = find(path[-1])
        return item if item and item["enabled"] else None

    item = wait_for(ready, f"{path[-1]!r} to be clickable: {look()}")
    xdotool("mousemove", item["x"], item["y"], "sleep", 0.1, "click", 1)
    wait_for(lambda: not look(), "the menu to close")


def close_menu() -> None:
    """Escape, once for each menu on the screen."""

    def is_closed() -> bool:
        if look():
            xdotool("key", "Escape", "sleep", 0.1)
        return not look()

    wait_for(is_closed, "the menu to close")


def hover() -> None:
    """Put the pointer on the icon."""
    left, top, width, height = icon()
    xdotool("mousemove", 600, 500, "mousemove", left + width // 2, top + height // 2)


def press() -> None:
    """A plain click on the icon."""
    left, top, width, height = icon()
    xdotool("mousemove", left + width // 2, top + height // 2, "click", 1)


def colours() -> list[tuple[int, int, int]]:
    """The colours of the icon's pixels."""
    left, top, width, height = icon()
    shot = ImageGrab.grab((left, top, left + width, top + height), xdisplay=os.environ["DISPLAY"])
    return sorted({colour for _, colour in shot.convert("RGB").getcolors(1 << 16) or []})


def screenshot(path: str) -> None:
    """The whole screen."""
    ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).save(path)


CALLS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        icon, no_icon, no_panel, menu, peek, cut, click, close_menu, hover, press, colours,
        screenshot,
    )
}  # fmt: skip


def main() -> None:
    """Answer each line with a line."""
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer: dict[str, Any] = {"value": CALLS[name](*arguments)}
        except Exception as failure:
            answer = {"error": f"{name}: {type(failure).__name__}: {failure}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
