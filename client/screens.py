"""Interfaces of the viewer's loop to a screen."""

from __future__ import annotations

from typing import Protocol

from client.actions import KeyActions
from client.views import View


class Screen(Protocol):
    """A screen that shows views: a window, a terminal, or none."""

    #: Longest time in seconds between two calls of ``keys``.
    patience: float
    #: True if messages can be shown.
    is_seen: bool

    def show(self, views: list[View], actions: KeyActions) -> None:
        """Draw all views. Returns when the picture is sent to the display."""

    def pressed(self) -> list[str]:
        """Return the keys since the last call; ``q`` if the window was closed."""

    def toggle_full_screen(self) -> None:
        """Toggle full screen."""

    def close(self) -> None:
        """Restore the display."""


class NoScreen:
    """No screen, for machines without a display."""

    patience = 0.5
    is_seen = False

    def show(self, views: list[View], actions: KeyActions) -> None:
        """Do nothing."""

    def pressed(self) -> list[str]:
        """Return no keys."""
        return []

    def toggle_full_screen(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
