"""Improves pystray's icon on GTK.

An open menu is updated instead of replaced; the icon has a tooltip and the size of the panel;
notifications can be clicked; signals are not changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from gi.repository import Gdk, Gio, GLib, Gtk

from tray.entries import Entry, kinds
from tray.menu import Action, MenuItem
from tray.notices import Notice
from tray.notifications import DesktopNotifications

#: The default size in pixels, which can be reduced well.
SIZE = 48


def _soon(method: Callable[..., object]) -> Callable[..., None]:
    """Make a method run in the desktop's loop, whichever thread calls it."""

    def ask(*arguments: Any) -> None:
        GLib.idle_add(lambda: bool(method(*arguments)))

    return ask


def desktop_icon(base: Any) -> Any:
    """Return the icon class, a subclass of pystray's for appindicator or gtk."""

    class DesktopIcon(base):  # type: ignore[misc]
        """Takes `folder`, for its images, and `redraw`, called when its size changes."""

        folder = ""
        follows = True
        _menu_handle: Any = None
        _shown: Any = ()
        _notifications: DesktopNotifications | None = None

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.redraw: Any = lambda: None
            status_icon = getattr(self, "_status_icon", None)
            if status_icon is not None:
                status_icon.connect("size-changed", lambda *_: bool(self.redraw()) or True)

        @property
        def size(self) -> int:
            """Width and height of the icon in pixels."""
            status_icon = getattr(self, "_status_icon", None)
            return (status_icon.get_size() if status_icon is not None else 0) or SIZE

        def _initialize(self) -> None:
            # The session bus ends with the session, and so does the tray.
            self._bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
            self._bus.set_exit_on_close(False)
            self._bus.connect("closed", lambda *_: self.stop())
            self._mark_ready()

        def _finalize(self) -> None:
            if hasattr(self, "_appindicator"):
                del self._appindicator

        def _on_status_icon_popup_menu(self, status_icon: Gtk.StatusIcon, *_: Any) -> None:
            # pystray's own position cannot be used again when the menu grows.
            if self._menu_handle is not None:
                _, screen, icon, _ = status_icon.get_geometry()
                below = (Gdk.Gravity.SOUTH_WEST, Gdk.Gravity.NORTH_WEST)
                self._menu_handle.popup_at_rect(screen.get_root_window(), icon, *below, None)

        @_soon
        def _update_menu(self) -> None:
            new = list(self.menu)
            if self._menu_handle is not None:
                self._shown = self._renew(self._menu_handle, self._shown, new)
                return
            self._shown, self._menu_handle = new, self._create_menu(new)
            indicator = getattr(self, "_appindicator", None)
            if indicator is not None:
                indicator.set_menu(self._menu_handle)

        def _renew(self, menu: Gtk.Menu, shown: list[Any], new: list[Any]) -> list[Any]:
            """Show other entries in a menu that can be open. Return what it shows then."""
            if kinds(new) == kinds(shown):
                self._follow(menu, shown, new)
                if menu.get_preferred_width()[1] > menu.get_allocated_width():
                    self._fit(menu, new)
                return shown
            for widget in menu.get_children():
                menu.remove(widget)
            for entry in new:
                menu.append(self._create_menu_item(entry))
            menu.show_all()
            self._fit(menu, new)
            return new

        def _fit(self, menu: Gtk.Menu, entries: list[Any]) -> None:
            """Give a menu the size and position that its entries need.

            GTK keeps the size of an open menu, or lets it grow only to the edge of the screen, so
            it gets the size of a second menu with the same entries. A closed menu would be placed
            by its old size, so its window is removed.
            """
            window = menu.get_toplevel()
            if not menu.get_visible():
                window.unrealize()
                return
            another = self._create_menu(entries)
            another.show()  # a hidden menu has no size; its window stays hidden
            size = another.get_preferred_size()[1]
            another.destroy()
            window.set_default_size(size.width, size.height)
            menu.set_size_request(-1, size.height)
            window.check_resize()
            menu.reposition()
            window.set_default_size(-1, -1)
            menu.set_size_request(-1, -1)

        def _follow(self, menu: Gtk.Menu, shown: list[Any], new: list[Any]) -> None:
            """Update a menu that can be open."""
            for widget, old, entry in zip(menu.get_children(), shown, new, strict=True):
                if not isinstance(old, Entry):
                    continue
                old.item = entry.item
                _label(widget, entry.item)
                widget.set_sensitive(entry.item.enabled)
                if entry.item.checked is not None and widget.get_active() != entry.item.checked:
                    old.ignores_clicks = True
                    widget.set_active(entry.item.checked)
                    old.ignores_clicks = False
                submenu = widget.get_submenu()
                if submenu is not None and entry.children:
                    old.children = self._renew(submenu, old.children, entry.children)
                elif old.children or entry.children:
                    widget.set_submenu(self._create_menu(entry.children))
                    old.children = entry.children

        @_soon
        def _update_title(self) -> None:
            status_icon = getattr(self, "_status_icon", None)
            if status_icon is not None:
                status_icon.set_title(self.name)
                status_icon.set_tooltip_text(self.title)
            else:
                self._appindicator.set_title(self.title)

        def _update_fs_icon(self) -> None:
            # Each image has its own name, because panels cache images by name.
            image = self.icon
            self._icon_path = os.path.join(self.folder, f"{image.info['name']}-{image.width}.png")
            if not os.path.exists(self._icon_path):
                image.save(self._icon_path, "PNG")
            self._icon_valid = True

        def _remove_fs_icon(self) -> None:
            self._icon_valid = False

        def announce(self, notice: Notice, perform: Callable[[Action], None]) -> None:
            """Show a notification. A click on it performs its action."""
            if self._notifications is None:
                self._notifications = DesktopNotifications(self._bus, lambda: self._icon_path)
            self._notifications.show(notice, perform)

    return DesktopIcon


def _label(widget: Gtk.MenuItem, item: MenuItem) -> None:
    label = widget.get_child()
    if label.get_text() == item.text:
        return
    if item.default:
        label.set_markup(f"<b>{GLib.markup_escape_text(item.text)}</b>")
    else:
        label.set_text(item.text)
