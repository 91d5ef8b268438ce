"""The tray's connection to the server: a thread that reads events and state, and reconnects."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tray.address import Address
from tray.menu import MAX_RECORDINGS
from tray.reasons import reason
from tray.state import CameraView, RecordingView, ServerView, ViewerView
from twistedcam.auth import RIGHTS
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.clients.control.dialogue import Message
from twistedcam.errors import CommandError, NoServer, TwistedcamError
from twistedcam.runtime.backoff import Backoff

#: Seconds before the first retry, and the longest wait between two.
RETRY_FIRST = 0.25
RETRY_MOST = 5.0
#: Seconds to wait for an answer.
TIMEOUT = 5.0
#: Seconds between two queries of rates and times, by the state.
#: States need no query: ``watch`` reports them.
FIGURES = {"recording": 0.5, "live": 1.0}
FIGURES_IDLE = 10.0
#: Least seconds between two queries, however many events come.
REST = 0.05


class ServerLink(threading.Thread):
    """Keeps a ServerView up to date.

    It has three connections: one reads ``watch`` in a separate thread; after an event, another
    one queries the state; the third one lists the recordings, in a thread, too.

    Arguments:
        address: the control port.
        on_state: called in this thread with every new ServerView.
        on_event: called in the reading thread with every event, before the state that follows.
    """

    def __init__(
        self,
        address: Address,
        on_state: Callable[[ServerView], None],
        on_event: Callable[[Message], None],
    ) -> None:
        super().__init__(name="tray link", daemon=True)  # a name server can delay its end
        self._address = address
        self._on_state = on_state
        self._on_event = on_event
        self._away = ServerView(here=address.here, endpoint=address.endpoint)
        self._ending = False
        self._lost: TwistedcamError | None = None
        self._recordings: tuple[RecordingView, ...] = ()
        #: Set when there can be other recordings than those.
        self._recordings_changed = threading.Event()
        #: Set to end the current wait.
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._clients: set[BlockingClient] = set()

    def stop(self) -> None:
        """End the thread. May be called from any thread."""
        with self._lock:
            self._ending = True
            for client in self._clients:
                client.close()
        self._woken.set()

    def try_now(self) -> None:
        """Retry now. May be called from any thread."""
        self._woken.set()

    def run(self) -> None:
        """Connect, read, and reconnect."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while not self._ending:
            self._woken.clear()
            try:
                with (
                    self._connection() as asking,
                    self._connection() as watching,
                    self._connection() as listing,
                ):
                    self._lost = None
                    self._recordings = ()
                    threads = [
                        _start("tray events", self._listen, watching.watch()),
                        _start("tray recordings", self._list, listing),
                    ]
                    try:
                        place = self._place(asking)
                        backoff.reset()
                        self._follow(asking, place)
                    finally:
                        watching.close()
                        listing.close()
                        self._recordings_changed.set()
                        for each in threads:
                            each.join(TIMEOUT)
            except TwistedcamError as error:
                if not self._ending:
                    refused = not isinstance(error, NoServer)
                    why = reason(error, self._address)
                    self._on_state(replace(self._away, reason=why, refused=refused))
                    if self._woken.wait(backoff.next()):
                        backoff.reset()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[BlockingClient]:
        with self._address.connect() as client:
            with self._lock:
                self._clients.add(client)
            try:
                if self._ending:
                    raise NoServer("the tray is quitting")
                yield client
            finally:
                with self._lock:
                    self._clients.remove(client)

    def _listen(self, events: Iterator[Message]) -> None:
        try:
            for event in events:
                self._on_event(event)
                if event.get("event") == "recording":
                    self._recordings_changed.set()
                self._woken.set()
        except NoServer as error:
            self._lost = error
        self._woken.set()

    def _list(self, listing: BlockingClient) -> None:
        """Query the newest recordings whenever there can be others.

        It has a connection of its own: the answer takes long while the server reads a large folder.
        """
        # Several can be unfinished: one for each camera.
        command = ("recordings", "--limit", str(3 * MAX_RECORDINGS))
        try:
            while True:
                self._recordings_changed.clear()
                found = listing.ask(*command)["recordings"]
                complete = (each for each in found if each.get("complete") is not False)
                shown = tuple(map(RecordingView.from_answer, complete))
                self._recordings = shown[:MAX_RECORDINGS]
                self._woken.set()
                self._recordings_changed.wait()
                time.sleep(REST)
        except TwistedcamError:
            return  # it is closed; or the server is older, or the token does not have the right

    def _follow(self, asking: BlockingClient, place: ServerView) -> None:
        """Query and report the state until the connection is lost."""
        while not self._ending:
            self._woken.clear()
            if self._lost is not None:
                raise self._lost
            state = self._look(asking, place)
            self._on_state(state)
            time.sleep(REST)
            pauses = [FIGURES.get(each.look, FIGURES_IDLE) for each in state.cameras]
            self._woken.wait(min(pauses, default=FIGURES_IDLE))

    def _place(self, asking: BlockingClient) -> ServerView:
        """Query what does not change during the connection."""
        try:
            found = asking.ask("server", timeout=TIMEOUT)
        except CommandError:  # an older server, or a token without the right
            found = {}
        # Without a token, or with an older server, everything is assumed to be allowed.
        granted = {"rights": " ".join(RIGHTS), **asking.granted}
        return replace(
            self._away,
            connected=True,
            view=found.get("view"),
            page=found.get("page"),
            folder=found.get("recordings"),
            rtsp=found.get("rtsp"),
            version=asking.server_version,
            rights=frozenset(granted["rights"].split()),
            whole="cameras" not in granted,
        )

    def _look(self, asking: BlockingClient, place: ServerView) -> ServerView:
        cameras: list[dict[str, Any]] = asking.ask("cameras", timeout=TIMEOUT)["cameras"]
        commands = [("viewers",), *(("status", str(each["camera"])) for each in cameras)]
        viewers, *statuses = asking.ask_all(commands, TIMEOUT)
        return replace(
            place,
            recordings=self._recordings,
            cameras=tuple(map(CameraView.from_status, statuses)),
            viewers=tuple(map(ViewerView.from_answer, viewers["viewers"])),
        )


def _start(name: str, run: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
    thread.start()
    return thread
