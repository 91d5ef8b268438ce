"""Where pictures are shown: the screen's side of the viewer's loop."""

from __future__ import annotations

from typing import Protocol

from client.actions import KeyActions
from client.views import View


class Screen(Protocol):
    """Something that shows views: a window, a terminal, or nothing at all."""

    #: Seconds that it can do without being asked for keys.
    patience: float
    #: Whether there is somebody who can be told something there.
    is_seen: bool

    def show(self, views: list[View], actions: KeyActions) -> None:
        """Styler. Returns when the picture is on its way to the eye."""

    def pressed(self) -> list[str]:
        """The keys pressed since the last call; ``q`` when the window was closed."""

    def toggle_full_screen(self) -> None:
        """Fill the screen, or no longer."""

    def close(self) -> None:
        """Leave things as they were."""


class NoScreen:
    """For machines without one."""

    patience = 0.5
    is_seen = False

    def show(self, views: list[View], actions: KeyActions) -> None:
        """Nothing is shown."""

    def pressed(self) -> list[str]:
        """There are no keys."""
        return []

    def toggle_full_screen(self) -> None:
        """There is nothing to fill."""

    def close(self) -> None:
        """Nothing to close."""
