"""The menu's items as pystray wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pystray

from tray.menu import SEPARATOR, Action, MenuItem


class Entry(pystray.MenuItem):  # type: ignore[misc]
    """A MenuItem that knows which MenuItem it shows, and may be told to show another.

    Arguments:
        item: what it shows; a click does what it says at the time of the click.
        perform: called with the action.
    """

    def __init__(self, item: MenuItem, perform: Callable[[Action], None]) -> None:
        self.item = item
        #: Set while its check mark is changed by the program: desktops take that for a click.
        self.deaf = False
        submenu = pystray.Menu(*entries(item.children, perform)) if item.children else None
        #: The entries of its submenu.
        self.children: list[Any] = list(submenu or ())

        def click(icon: Any, entry: Any) -> None:
            if self.item.action is not None and not self.deaf:
                perform(self.item.action)

        super().__init__(
            item.text,
            submenu or click,
            checked=None if item.checked is None else (lambda _: bool(self.item.checked)),
            default=item.default,
            enabled=item.enabled,
        )


def entries(items: Iterable[MenuItem], perform: Callable[[Action], None]) -> list[Any]:
    """Items to entries; a click on one of them calls ``perform``."""
    return [pystray.Menu.SEPARATOR if item == SEPARATOR else Entry(item, perform) for item in items]


def kinds(found: Iterable[Any]) -> list[tuple[bool, bool] | None]:
    """What of a menu's own lines cannot be changed while it is shown."""
    return [
        (each.item.checked is not None, each.item.default) if isinstance(each, Entry) else None
        for each in found
    ]
