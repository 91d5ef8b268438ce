"""``twistedcam ctl watch`` on a terminal: a full-screen view of the server."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

from twistedcam.cli.colours import Styler
from twistedcam.cli.dashboard import Dashboard
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.control.dialogue import Message
from twistedcam.errors import TwistedcamError

#: Minimum seconds between two redraws: many events must not use a whole core.
REDRAW = 0.05
#: Seconds between two queries of the status, and between two attempts to connect.
INTERVAL = 0.5
RETRY = 1.0
#: Seconds to wait for an answer.
ANSWER_TIMEOUT = 5.0


def watch_live(
    connect: Callable[[], BlockingClient], endpoint: str, camera: str | None, styler: Styler
) -> None:
    """Show the server until ``q`` is pressed.

    Arguments:
        connect: makes a connection to the server.
        endpoint: the server's address, to be shown.
        camera: the only camera to show, or None.

    Raises:
        ImportError: prompt_toolkit is not installed; nothing was shown.
        SystemExit: SIGTERM was received; the terminal is restored.
    """
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import ANSI, to_formatted_text
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import Layout, UIContent, UIControl, Window

    class Screen(UIControl):
        """The dashboard in the terminal's current size."""

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
        with contextlib.suppress(NotImplementedError):  # not on Windows
            ended = SystemExit(128 + signal.SIGTERM)
            import asyncio  # imported late: only the live view needs it

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


class Poller:
    """Keeps a dashboard up to date, by two connections in a thread each.

    Polls the cameras' status and receives events; reconnects when the server is lost.

    Arguments:
        connect: makes a connection to the server.
        dashboard: the dashboard.
        camera: the only camera to show, or None.
        on_changed: called from any thread when the dashboard has changed.
    """

    def __init__(
        self,
        connect: Callable[[], BlockingClient],
        dashboard: Dashboard,
        camera: str | None,
        on_changed: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._dashboard = dashboard
        self._camera = camera
        self._on_changed = on_changed
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._clients: set[BlockingClient] = set()
        self._threads = [
            threading.Thread(target=self._run, args=(work,), daemon=True)
            for work in (self._poll, self._receive_events)
        ]

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close the connections."""
        self._stopped.set()
        self._wake.set()
        for client in tuple(self._clients):
            client.close()

    def _run(self, work: Callable[[BlockingClient], None]) -> None:
        """Connect and work, repeatedly."""
        while not self._stopped.is_set():
            try:
                with self._connect() as client:
                    self._clients.add(client)
                    try:
                        work(client)
                    finally:
                        self._clients.discard(client)
            except TwistedcamError as error:
                self._dashboard.set_unreachable(str(error))
                self._on_changed()
            self._stopped.wait(RETRY)

    def _poll(self, client: BlockingClient) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            self._dashboard.update(client.server_version, query_status(client, self._camera))
            self._on_changed()
            self._wake.wait(INTERVAL)

    def _receive_events(self, client: BlockingClient) -> None:
        for event in client.watch(self._camera):
            self._dashboard.add_event(event, time.strftime("%H:%M:%S"))
            self._wake.set()  # the status has changed, too


def query_status(client: BlockingClient, camera: str | None) -> list[Message]:
    """Return the status of one camera, or of all.

    Raises:
        NoSuchCamera, Unauthorized, NoServer: it is not available.
    """
    ask = partial(client.ask, timeout=ANSWER_TIMEOUT)
    if camera is not None:
        return [ask("status", camera)]
    names = [each["camera"] for each in ask("cameras")["cameras"]]
    return [ask("status", name) for name in names]
