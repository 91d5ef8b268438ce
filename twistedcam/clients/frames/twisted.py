"""A client of the frame protocol on Twisted: a service that keeps a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.internet import ClientService, backoffPolicy
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam import wire
from twistedcam.clients.frames.address import CameraAddress
from twistedcam.clients.frames.pictures import PictureGroups
from twistedcam.clients.frames.session import REFUSALS, ClientSession, ClockOffset, check_codecs
from twistedcam.errors import CertificateRefused, Disconnected, TwistedcamError
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.net.connections import send_without_delay
from twistedcam.tls.client_endpoint import client_endpoint

log = Logger()

_RETRY = backoffPolicy(initialDelay=0.2, maxDelay=5.0, factor=1.7)


class FrameClient(Service):
    """Receives a camera's frames while the service runs, and passes them to callbacks.

    Arguments:
        reactor: the reactor.
        target: the camera.
        on_frame: called with each frame: a Frame, or a VideoPacket of H.264 or H.265; and with each
            Packet of sound, if ``codecs`` has one of sound.
        on_state: called with each STATE of the camera, and with the states ``connecting`` and
            ``lost`` (with the reason) of the connection itself.
        reconnect: connect again when the connection is lost, after increasing delays.
        codecs: the codecs that the program understands, in order of preference.
    """

    role: wire.Role = "view"
    window = 2

    def __init__(
        self,
        reactor: Any,
        target: CameraAddress,
        on_frame: Callable[[Any], None] = lambda frame: None,
        on_state: Callable[[wire.State], None] = lambda state: None,
        reconnect: bool = True,
        codecs: Sequence[str] = ("mjpeg",),
    ) -> None:
        self.reactor = reactor
        self.target = target
        self.state = wire.State(target.camera or "", "connecting")
        #: Fires with None when the client has stopped, or fails with the reason.
        self.ended: Deferred[None] = Deferred()
        self.on_frame = on_frame
        self.on_state = on_state
        self._reconnect = reconnect
        self.codecs = check_codecs(codecs)
        self._pictures = PictureGroups()
        self._connections: ClientService | None = None
        self._protocol: ClientProtocol | None = None
        self._was_joined = False

    @property
    def clock(self) -> ClockOffset:
        """The difference between the server's clock and this machine's."""
        return ClockOffset() if self._protocol is None else self._protocol.session.clock

    def startService(self) -> None:
        super().startService()
        endpoint = _ReportedEndpoint(_make_endpoint(self.reactor, self.target), self._not_connected)
        self._connections = ClientService(
            endpoint, ClientFactory(self), retryPolicy=_RETRY, clock=self.reactor
        )
        self._connections.startService()

    def stopService(self) -> Deferred[None]:
        """Close the connection. Fires when it is closed."""
        super().stopService()
        connections, self._connections = self._connections, None
        if self._protocol is not None:
            self._protocol.close()
        self._end(None)
        stopping = None if connections is None else connections.stopService()
        return Deferred.fromCoroutine(_wait(stopping))

    # Called by the protocol.

    def connection_made(self, protocol: ClientProtocol) -> None:
        self._protocol = protocol

    def connection_lost(self, error: Exception) -> None:
        """Report the loss, and stop after a refusal or without ``reconnect``."""
        self._protocol = None
        if self.running:
            refused = isinstance(error, REFUSALS) and not self._was_joined
            self._set_state(wire.State(self.state.camera, "lost", reason=str(error)))
            if refused or not self._reconnect:
                self._give_up(error)

    def state_received(self, state: wire.State) -> None:
        self._was_joined = True
        self._set_state(state)

    def frame_received(self, frame: Packet) -> None:
        is_picture = not isinstance(frame, Frame) and frame.track.kind == "video"
        self.on_frame(self._pictures.add(frame) if is_picture else frame)

    def send_next(self) -> None:
        """Send what waits: something was received, or the connection is writable again."""

    def _not_connected(self, why: Failure) -> None:
        if self.running:
            reason = str(getattr(why.value, "strerror", None) or why.getErrorMessage())
            self._set_state(wire.State(self.state.camera, "lost", reason=reason))
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

    def _set_state(self, state: wire.State) -> None:
        self.state = state
        self.on_state(state)


async def _wait(stopping: Any) -> None:
    if stopping is not None:
        await stopping


class ClientProtocol(Protocol):
    """One connection of a client."""

    factory: ClientFactory

    def __init__(self, factory: ClientFactory) -> None:
        self.factory = factory
        client = factory.client
        self.session = ClientSession(
            client.target, client.role, client.window, codecs=client.codecs
        )
        self.is_writable = True
        self._error: Exception | None = None
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = client.reactor

    def connectionMade(self) -> None:
        assert self.transport is not None
        send_without_delay(self.transport)
        self.transport.registerProducer(self, True)  # type: ignore[attr-defined]
        self._ticking.start(1.0, now=False)
        self.factory.client.connection_made(self)

    def dataReceived(self, data: bytes) -> None:
        """Pass frames and states to the client, and send answers."""
        client = self.factory.client
        try:
            for item in self.session.receive(data, client.reactor.seconds()):
                if isinstance(item, wire.State):
                    client.state_received(item)
                else:
                    client.frame_received(item)
        except TwistedcamError as error:
            self._fail(error)
            return
        self.flush()
        client.send_next()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._ticking.running:
            self._ticking.stop()
        self.factory.client.connection_lost(self._error or self._as_error(reason))

    def flush(self) -> None:
        """Send the output of the session."""
        out = self.session.output()
        if out and self.transport is not None:
            self.transport.write(out)

    def send_frame(self, frame: Packet) -> None:
        """Send a frame, as a publisher."""
        assert self.transport is not None
        self.transport.writeSequence([wire.frame_header(frame), frame.data])
        if frame.track.kind == "audio":
            return  # it is not acknowledged
        self.session.published(frame.seq, self.factory.client.reactor.seconds())

    def send_configuration(self, track: Track) -> None:
        """Describe the sound that follows, as a publisher."""
        assert self.transport is not None
        self.transport.write(wire.configuration_message(track))

    def close(self) -> None:
        """Send BYE and close the connection."""
        self.session.bye()
        self.flush()
        if self.transport is not None:
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        """Send no frames: the transport's buffer is full."""
        self.is_writable = False

    def resumeProducing(self) -> None:
        """Continue: the transport's buffer is empty."""
        self.is_writable = True
        self.factory.client.send_next()

    def stopProducing(self) -> None:
        self.is_writable = False

    def _as_error(self, reason: Failure) -> TwistedcamError:
        """Return the reason for the end of the connection as one of our errors."""
        if isinstance(reason.value, TwistedcamError):
            return reason.value
        from service_identity import VerificationError  # needed for TLS only

        unsigned = "certificate verify failed" in str(reason.value)  # OpenSSL's text
        if unsigned or isinstance(reason.value, VerificationError):
            return CertificateRefused(
                f"the certificate of {self.factory.client.target} is not trusted. If it is the "
                "right one, give its fingerprint"
            )
        return Disconnected(reason.getErrorMessage())

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
    """Makes the protocols of a client's connections."""

    noisy = False

    def __init__(self, client: FrameClient) -> None:
        self.client = client

    def buildProtocol(self, addr: IAddress | None) -> ClientProtocol:
        return ClientProtocol(self)


@implementer(IStreamClientEndpoint)
class _ReportedEndpoint:
    """Reports when an endpoint could not connect, which ClientService does not."""

    def __init__(self, endpoint: Any, on_failed: Callable[[Failure], None]) -> None:
        self._endpoint = endpoint
        self._on_failed = on_failed

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        def report(why: Failure) -> Failure:
            self._on_failed(why)
            return why

        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connecting.addErrback(report)


def _make_endpoint(reactor: Any, target: CameraAddress) -> IStreamClientEndpoint:
    if target.path is not None:
        return UNIXClientEndpoint(reactor, target.path)
    if target.tls:
        return client_endpoint(reactor, target.host, target.port, target.trust)
    return HostnameEndpoint(reactor, target.host, target.port)
