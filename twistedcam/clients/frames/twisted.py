"""The client's side on Twisted: a service that keeps a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.internet import ClientService, backoffPolicy
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam import wire
from twistedcam.clients.frames.address import CameraAddress
from twistedcam.clients.frames.endpoint import ReportedEndpoint, make_endpoint
from twistedcam.clients.frames.protocol import ClientFactory, ClientProtocol
from twistedcam.clients.frames.session import REFUSALS, ClockOffset
from twistedcam.errors import Disconnected
from twistedcam.media.frame import Frame

log = Logger()

_RETRY = backoffPolicy(initialDelay=0.2, maxDelay=5.0, factor=1.7)


class FrameClient(Service):
    """Watches a camera for as long as the service runs, and tells by callbacks.

    Arguments:
        reactor: what it runs on.
        target: the camera.
        on_frame: called with each frame that comes.
        on_state: called with each STATE of the camera; also with states ``connecting`` and
            ``lost`` (with the reason) of the connection itself.
        reconnect: try again, with longer and longer waits, whenever the connection is lost.
    """

    role: wire.Role = "view"
    window = 2

    def __init__(
        self,
        reactor: Any,
        target: CameraAddress,
        on_frame: Callable[[Frame], None] = lambda frame: None,
        on_state: Callable[[wire.State], None] = lambda state: None,
        reconnect: bool = True,
    ) -> None:
        self.reactor = reactor
        self.target = target
        self.state = wire.State(target.camera or "", "connecting")
        #: Fires when the client has given up, with None, or fails with what made it give up.
        self.ended: Deferred[None] = Deferred()
        self.on_frame = on_frame
        self.on_state = on_state
        self._reconnect = reconnect
        self._connections: ClientService | None = None
        self._protocol: ClientProtocol | None = None
        self._was_joined = False

    @property
    def clock(self) -> ClockOffset:
        """How far the server's clock is from this machine's."""
        return ClockOffset() if self._protocol is None else self._protocol.session.clock

    def startService(self) -> None:
        """Begin to connect."""
        super().startService()
        endpoint = ReportedEndpoint(make_endpoint(self.reactor, self.target), self._not_connected)
        self._connections = ClientService(
            endpoint, ClientFactory(self), retryPolicy=_RETRY, clock=self.reactor
        )
        self._connections.startService()

    def stopService(self) -> Deferred[None]:
        """End the connection; fires when it is gone."""
        super().stopService()
        connections, self._connections = self._connections, None
        if self._protocol is not None:
            self._protocol.close()
        self._end(None)
        stopping = None if connections is None else connections.stopService()
        return Deferred.fromCoroutine(_wait(stopping))

    # What the protocol tells (protocol.Client).

    def connection_made(self, protocol: ClientProtocol) -> None:
        """There is a server."""
        self._protocol = protocol

    def connection_lost(self, error: Exception) -> None:
        """The server is gone."""
        self._protocol = None
        if self.running:
            refused = isinstance(error, REFUSALS) and not self._was_joined
            self._show(wire.State(self.state.camera, "lost", reason=str(error)))
            if refused or not self._reconnect:
                self._give_up(error)

    def state_came(self, state: wire.State) -> None:
        """The camera's state."""
        self._was_joined = True
        self._show(state)

    def frame_came(self, frame: Frame) -> None:
        """A frame."""
        self.on_frame(frame)

    def acknowledged(self) -> None:
        """Something came, or the way has become free: for publishers."""

    def _not_connected(self, why: Failure) -> None:
        if self.running:
            reason = str(getattr(why.value, "strerror", None) or why.getErrorMessage())
            self._show(wire.State(self.state.camera, "lost", reason=reason))
            if not self._reconnect:
                self._give_up(Disconnected(f"{self.target}: {reason}"))

    def _give_up(self, error: Exception) -> None:
        self._end(error)
        self.stopService().addErrback(lambda why: log.failure("stopping failed", failure=why))

    def _end(self, error: Exception | None) -> None:
        if not self.ended.called:
            if error is None:
                self.ended.callback(None)
            else:
                self.ended.errback(error)

    def _show(self, state: wire.State) -> None:
        self.state = state
        self.on_state(state)


async def _wait(stopping: Any) -> None:
    if stopping is not None:
        await stopping
