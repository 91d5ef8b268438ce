"""One connection of a client on Twisted: a thin protocol around the session."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from twistedcam import wire
from twistedcam.clients.frames.address import CameraAddress
from twistedcam.clients.frames.session import ClientSession
from twistedcam.errors import CertificateRefused, Disconnected, TwistedcamError
from twistedcam.media.frame import Frame


class Client(Protocol):
    """Whose connections they are: what they go by, and who hears of them."""

    reactor: Any
    target: CameraAddress
    role: wire.Role
    window: int

    def connection_made(self, protocol: ClientProtocol) -> None:
        """There is a server."""

    def connection_lost(self, error: Exception) -> None:
        """The server is gone."""

    def state_came(self, state: wire.State) -> None:
        """The camera's state."""

    def frame_came(self, frame: Frame) -> None:
        """A frame."""

    def acknowledged(self) -> None:
        """Something came, or the way has become free."""


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
        self.factory.client.connection_lost(self._error or self._named(reason))

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

    def _named(self, reason: Failure) -> TwistedcamError:
        """What ended the connection, as one of our errors."""
        if isinstance(reason.value, TwistedcamError):
            return reason.value
        from service_identity import VerificationError  # of another name; only TLS has need of it

        unsigned = "certificate verify failed" in str(reason.value)  # OpenSSL's words for it
        if unsigned or isinstance(reason.value, VerificationError):
            return CertificateRefused(
                f"{self.factory.client.target} shows a certificate that is not trusted. If "
                "it is the right one all the same, name its fingerprint"
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
    """Makes a client's connections, one after the other."""

    noisy = False

    def __init__(self, client: Client) -> None:
        self.client = client

    def buildProtocol(self, addr: IAddress | None) -> ClientProtocol:
        """One for each attempt that succeeded."""
        return ClientProtocol(self)
