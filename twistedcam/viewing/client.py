"""The client's side on Twisted: a service that keeps a connection, and a thin protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.internet import ClientService, backoffPolicy
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    UNIXClientEndpoint,
)
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam import wire
from twistedcam.errors import Disconnected, TwistedcamError
from twistedcam.frame import Frame
from twistedcam.tls.connecting import client_endpoint
from twistedcam.viewing.session import REFUSALS, ClientSession, ClockOffset
from twistedcam.viewing.target import Target

log = Logger()

_RETRY = backoffPolicy(initialDelay=0.2, maxDelay=5.0, factor=1.7)


class ClientProtocol(TwistedProtocol):
    """One connection; all that it knows is its client's and its session's."""

    factory: ClientFactory

    def __init__(self, factory: ClientFactory) -> None:
        self.factory = factory
        client = factory.client
        self.session = ClientSession(client.target, client.role, client.window)
        self.is_writable = True
        self._error: Exception | None = None
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = client.reactor

    def connectionMade(self) -> None:
        """The server has the first word."""
        assert self.transport is not None
        set_no_delay = getattr(self.transport, "setTcpNoDelay", None)
        if set_no_delay is not None:
            set_no_delay(True)
        self.transport.registerProducer(self, True)  # type: ignore[attr-defined]
        self._ticking.start(1.0, now=False)
        self.factory.client.connection_made(self)

    def dataReceived(self, data: bytes) -> None:
        """Pass frames and states on, answer what is to be answered."""
        client = self.factory.client
        try:
            for item in self.session.receive(data, client.reactor.seconds()):
                if isinstance(item, Frame):
                    client.frame_came(item)
                else:
                    client.state_came(item)
        except TwistedcamError as error:
            self._fail(error)
            return
        self.flush()
        client.acknowledged()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say why it ended."""
        if self._ticking.running:
            self._ticking.stop()
        error = self._error or Disconnected(reason.getErrorMessage())
        self.factory.client.connection_lost(error)

    def flush(self) -> None:
        """Send what the session has to say."""
        out = self.session.output()
        if out and self.transport is not None:
            self.transport.write(out)

    def send_frame(self, frame: Frame) -> None:
        """Send a frame, as a publisher."""
        assert self.transport is not None
        self.transport.writeSequence([wire.frame_header(frame), frame.jpeg])
        self.session.published(frame.seq)

    def close(self) -> None:
        """End the connection in good order."""
        self.session.bye()
        self.flush()
        if self.transport is not None:
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        """The transport holds bytes that the server does not take."""
        self.is_writable = False

    def resumeProducing(self) -> None:
        """The transport holds nothing any more."""
        self.is_writable = True
        self.factory.client.acknowledged()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self.is_writable = False

    def _tick(self) -> None:
        try:
            self.session.tick(self.factory.client.reactor.seconds())
        except TwistedcamError as error:
            self._fail(error)
        else:
            self.flush()

    def _fail(self, error: TwistedcamError) -> None:
        if self._error is None and self.transport is not None:
            self._error = error
            self.transport.abortConnection()  # type: ignore[attr-defined]


class ClientFactory(Factory[ClientProtocol]):
    """Makes a client's connections, one after the other."""

    noisy = False

    def __init__(self, client: FrameClient) -> None:
        self.client = client

    def buildProtocol(self, addr: IAddress | None) -> ClientProtocol:
        """One for each attempt that succeeded."""
        return ClientProtocol(self)


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
        target: Target,
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
        endpoint = _Reported(make_endpoint(self.reactor, self.target), self._not_connected)
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

    # What the protocol tells.

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


class Publisher(FrameClient):
    """Pushes frames to a ``push:`` camera: the newest, whenever the server can take one.

    It is a sink: add it to a camera's hub. The frames' times are put on the server's clock when
    the two clocks disagree.
    """

    role = "publish"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sent = 0
        self._newest: Frame | None = None

    def take(self, frame: Frame) -> None:
        """A new frame (hub.Sink): send it, or keep it until there is a newer one."""
        self._newest = frame
        self.acknowledged()

    def acknowledged(self) -> None:
        """Send the newest frame, if the server can take it."""
        frame, protocol = self._newest, self._protocol
        if frame is None or protocol is None:
            return
        if protocol.is_writable and protocol.session.can_publish():
            self._newest = None
            self.sent += 1
            protocol.send_frame(self._on_their_clock(frame))

    def connection_lost(self, error: Exception) -> None:
        """What was to be sent is old by the time there is a server again."""
        self._newest = None
        super().connection_lost(error)

    def _on_their_clock(self, frame: Frame) -> Frame:
        clock = self.clock
        if not clock.disagrees:
            return frame
        time_us = max(0, frame.time_us + round(clock.seconds * 1e6))
        return Frame(frame.seq, time_us, frame.width, frame.height, frame.jpeg)


@implementer(IStreamClientEndpoint)
class _Reported:
    """An endpoint that says when it could not connect: ClientService keeps that to itself."""

    def __init__(self, endpoint: Any, failed: Callable[[Failure], None]) -> None:
        self._endpoint = endpoint
        self._failed = failed

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Connect."""

        def report(why: Failure) -> Failure:
            self._failed(why)
            return why

        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connecting.addErrback(report)


def make_endpoint(reactor: Any, target: Target) -> IStreamClientEndpoint:
    """The way to a server."""
    if target.path is not None:
        return UNIXClientEndpoint(reactor, target.path)
    if target.tls:
        return client_endpoint(reactor, target.host, target.port, target.trust)
    return HostnameEndpoint(reactor, target.host, target.port)


async def _wait(stopping: Any) -> None:
    if stopping is not None:
        await stopping
