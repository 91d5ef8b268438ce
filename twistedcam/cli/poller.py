"""What keeps a dashboard up to date: two connections to the server, a thread each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from twistedcam.cli.dashboard import Dashboard
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.control.dialogue import Message
from twistedcam.errors import TwistedcamError

#: Seconds between two looks at the cameras, and between two tries to reach a server.
INTERVAL = 0.5
RETRY = 1.0
#: Seconds after which a server that says nothing counts as lost.
PATIENCE = 5.0


class Poller:
    """Asks for the cameras' status twice a second and hears events, over any loss of the server.

    Arguments:
        connect: gives one more connection to the server.
        dashboard: what is kept up to date.
        camera: the only one to ask about, or None.
        changed: called from any thread when there is something new on the dashboard.
    """

    def __init__(
        self,
        connect: Callable[[], BlockingClient],
        dashboard: Dashboard,
        camera: str | None,
        changed: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._dashboard = dashboard
        self._camera = camera
        self._changed = changed
        self._over = threading.Event()
        self._woken = threading.Event()
        self._clients: set[BlockingClient] = set()
        works = (self._look_on, self._hear)
        self._threads = [threading.Thread(target=self._follow, args=(each,)) for each in works]

    def start(self) -> None:
        """Keep the dashboard up to date from now on."""
        for thread in self._threads:
            thread.daemon = True  # one that waits for a far server holds up nobody
            thread.start()

    def stop(self) -> None:
        """Hear no more."""
        self._over.set()
        self._woken.set()
        for client in tuple(self._clients):
            client.close()

    def _follow(self, work: Callable[[BlockingClient], None]) -> None:
        """Do the work on a connection, and on another one whenever that is lost."""
        while not self._over.is_set():
            try:
                with self._connect() as client:
                    self._clients.add(client)
                    try:
                        work(client)
                    finally:
                        self._clients.discard(client)
            except TwistedcamError as error:
                self._dashboard.lose(str(error))
                self._changed()
            self._over.wait(RETRY)

    def _look_on(self, client: BlockingClient) -> None:
        while not self._over.is_set():
            self._woken.clear()
            self._dashboard.update(client.server_version, look(client, self._camera))
            self._changed()
            self._woken.wait(INTERVAL)

    def _hear(self, client: BlockingClient) -> None:
        for event in client.watch(self._camera):
            self._dashboard.happened(event, time.strftime("%H:%M:%S"))
            self._woken.set()  # what happened shows in the status, too


def look(client: BlockingClient, camera: str | None) -> list[Message]:
    """The status of one camera, or of all.

    Raises:
        NoSuchCamera, Unauthorized, NoServer: as they say.
    """
    ask = partial(client.ask, timeout=PATIENCE)
    if camera is not None:
        return [ask("status", camera)]
    names = [each["camera"] for each in ask("cameras")["cameras"]]
    return [ask("status", name) for name in names]
