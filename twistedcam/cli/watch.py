"""``twistedcam ctl watch`` on a terminal: a view that follows the server until ``q``."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable

from twistedcam.cli.colours import Styler
from twistedcam.cli.dashboard import Dashboard
from twistedcam.cli.poller import Poller
from twistedcam.clients.control.blocking import BlockingClient

#: Seconds between two drawings at least: a storm of events shall not cost a core.
REDRAW = 0.05


def watch_live(
    connect: Callable[[], BlockingClient], endpoint: str, camera: str | None, styler: Styler
) -> None:
    """Show the server on the whole terminal; returns when the person has seen enough.

    Arguments:
        connect: gives one more connection to the server.
        endpoint: where it is, to be shown.
        camera: the only one to show, or None.

    Raises:
        ImportError: prompt_toolkit is not installed; nothing was shown.
        SystemExit: SIGTERM has come; the terminal is as it was.
    """
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import ANSI, to_formatted_text
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import Layout, UIContent, UIControl, Window

    class Screen(UIControl):
        """The dashboard, in the size that the terminal has now."""

        def create_content(self, width: int, height: int) -> UIContent:
            lines = dashboard.lines(height, time.strftime("%H:%M:%S"))
            return UIContent(lambda index: to_formatted_text(ANSI(lines[index])), len(lines))

    keys = KeyBindings()

    @keys.add("q")
    @keys.add("Q")
    @keys.add("c-c")
    @keys.add("c-d")
    def leave(event: KeyPressEvent) -> None:
        event.app.exit()

    @keys.add("c-z")
    def suspend(event: KeyPressEvent) -> None:
        event.app.suspend_to_background()

    def begin() -> None:
        with contextlib.suppress(NotImplementedError):  # Windows has no such signals
            ended = SystemExit(128 + signal.SIGTERM)
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, lambda: app.exit(exception=ended))
        poller.start()

    dashboard = Dashboard(endpoint, styler)
    window = Window(Screen(), always_hide_cursor=True)
    app: Application[None] = Application(
        Layout(window), key_bindings=keys, full_screen=True, min_redraw_interval=REDRAW
    )
    poller = Poller(connect, dashboard, camera, app.invalidate)
    try:
        app.run(pre_run=begin)
    finally:
        poller.stop()
