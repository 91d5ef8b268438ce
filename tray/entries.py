"""Converts menu items to pystray's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pystray

from tray.menu import SEPARATOR, Action, MenuItem


class Entry(pystray.MenuItem):  # type: ignore[misc]
    """A pystray item that shows a MenuItem and can show another one later.

    Arguments:
        item: the shown item. A click runs the action of the item at that time.
        perform: called with the action.
    """

    def __init__(self, item: MenuItem, perform: Callable[[Action], None]) -> None:
        self.item = item
        #: True while the program changes its check mark, which desktops report as a click.
        self.ignores_clicks = False
        submenu = pystray.Menu(*entries(item.children, perform)) if item.children else None
        #: The entries of its submenu.
        self.children: list[Any] = list(submenu or ())

        def click(icon: Any, entry: Any) -> None:
            if self.item.action is not None and not self.ignores_clicks:
                perform(self.item.action)

        super().__init__(
            item.text,
            submenu or click,
            checked=None if item.checked is None else (lambda _: bool(self.item.checked)),
            default=item.default,
            enabled=item.enabled,
        )


def entries(items: Iterable[MenuItem], perform: Callable[[Action], None]) -> list[Any]:
    """Convert items to entries. A click calls ``perform``."""
    return [pystray.Menu.SEPARATOR if item == SEPARATOR else Entry(item, perform) for item in items]


def kinds(found: Iterable[Any]) -> list[tuple[bool, bool] | None]:
    """Return the parts of a menu that cannot change while it is shown."""
    return [
        (each.item.checked is not None, each.item.default) if isinstance(each, Entry) else None
        for each in found
    ]
