"""The server's side of the frame protocol: a thin protocol around the codec."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam import wire
from twistedcam.address import show_address
from twistedcam.auth import TokenSession
from twistedcam.connections import Connections
from twistedcam.doorman import Ticket
from twistedcam.errors import BadMessage, Unauthorized, WireError
from twistedcam.frameport.admission import admit, hello, right_of
from twistedcam.frameport.publish import PublishSession
from twistedcam.frameport.session import Session
from twistedcam.frameport.view import ViewSession
from twistedcam.frameport.vigil import Vigil
from twistedcam.parting import LINGER, Parting

if TYPE_CHECKING:
    from twistedcam.server import Server

log = Logger()


class FrameProtocol(Protocol):
    """One connection to the frame port."""

    factory: FrameFactory

    def __init__(self, factory: FrameFactory) -> None:
        self.factory = factory
        self.peer = ""
        self._decoder = wire.Decoder(factory.max_frame)
        self._nonce = wire.new_nonce()
        self._session: Session | None = None
        self._vigil = Vigil(
            factory.clock, lambda: self._say(wire.Ping().encode()), lambda why: self.fail(why)
        )
        self._last_resort: IDelayedCall | None = None
        self._tells_clock = False
        self._over = False
        self._ticket: Ticket | None = None
        self._token_session: TokenSession | None = None
        #: The JOIN's mac is being looked at.
        self._judging: Deferred[None] | None = None

    def connectionMade(self) -> None:
        """Say HELLO."""
        assert self.transport is not None
        self.factory.connections.add(self)
        self.peer = show_address(self.transport.getPeer())
        set_no_delay = getattr(self.transport, "setTcpNoDelay", None)
        if set_no_delay is not None:
            set_no_delay(True)
        server = self.factory.server
        try:
            self._ticket = server.doorman.enter(self.transport.getPeer(), has_to_join=True)
        except WireError as error:
            self.fail(error)
            return
        self._vigil.await_join()
        self._say(hello(server, self._nonce).encode())

    def dataReceived(self, data: bytes) -> None:
        """Decode, and do what is asked."""
        if self._over:
            return
        self._vigil.heard_at = self.factory.clock.seconds()
        session = self._session
        try:
            # Nearly all that comes is one ACK from each viewer for each frame: no decoder for that.
            if (
                session is not None
                and len(data) == wire.ACK_SIZE
                and data.startswith(wire.ACK_HEAD)
                and self._decoder.is_idle
            ):
                session.acknowledge(int.from_bytes(data[wire.HEADER.size :], "big"))
                return
            for message in self._decoder.feed(data):
                if self._over:
                    return
                self._received(message)
        except WireError as error:
            self.fail(error)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget this connection."""
        self._over = True
        self.factory.connections.discard(self)
        self.factory.parting.gone(self.transport)
        if self._ticket is not None:
            self._ticket.leave()
        self._vigil.end()
        if self._last_resort is not None and self._last_resort.active():
            self._last_resort.cancel()
        if self._judging is not None:
            self._judging.cancel()
        if self._token_session is not None:
            self._token_session.close()
        if self._session is not None:
            self._session.lost()
            self._session = None

    def fail(self, error: WireError | Unauthorized) -> None:
        """Say why, and end the connection."""
        log.info("{peer}: {code}: {why}", peer=self.peer, code=error.code, why=str(error))
        self._end(wire.Error(error.code, str(error)).encode())

    def bye(self) -> None:
        """End the connection in good order."""
        self._end(wire.Bye().encode())

    def _end(self, last_words: bytes) -> None:
        if self._over or self.transport is None:
            return
        self._over = True
        self._vigil.end()
        self._say(last_words)
        session, self._session = self._session, None
        part = partial(self.factory.parting.part, self.transport)
        if session is not None:
            session.finish(part)
        else:
            part()
        # A peer that neither reads nor closes would keep the connection for ever.
        self._last_resort = self.factory.clock.callLater(LINGER, self._abort)

    def _say(self, data: bytes) -> None:
        if self._session is not None:
            self._session.say(data)
        elif self.transport is not None:
            self.transport.write(data)

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None)
        if self in self.factory.connections and abort is not None:
            abort()

    def _received(self, message: wire.Message) -> None:
        if isinstance(message, wire.Ping):
            self._say(wire.Pong(message.data).encode())
            if self._tells_clock:
                self._say(wire.clock_ping(time.time()).encode())
        elif isinstance(message, wire.Pong):
            pass
        elif isinstance(message, wire.Bye):
            self.bye()
        elif isinstance(message, wire.Error):
            why = " ".join(message.message[:200].split())  # one line, whatever it says
            log.info("{peer} gave up: {why}", peer=self.peer, why=why)
            self.bye()
        elif self._session is not None:
            if isinstance(message, wire.Ack):
                self._session.acknowledge(message.seq)
            else:
                self._session.received(message)
        elif isinstance(message, wire.Join):
            self._join(message)
        else:
            raise BadMessage("the first message has to be JOIN")

    def _join(self, join: wire.Join) -> None:
        if self._judging is not None:
            raise BadMessage("one JOIN is enough")
        self._vigil.end()
        self._judging = Deferred.fromCoroutine(self._admit(join)).addErrback(self._not_admitted)

    async def _admit(self, join: wire.Join) -> None:
        assert self.transport is not None
        try:
            peer = self.transport.getPeer()
            camera, grant = await admit(self.factory.server, join, self._nonce, peer)
            if self._over:
                return
            right, name = right_of(join), camera.name
            self._token_session = self.factory.server.authenticator.open_session(
                grant, lambda now: now.allows(right, name), self.fail
            )
            self._vigil.watch()
            if self._ticket is not None:
                self._ticket.joined()
            self._tells_clock = join.clock
            make = ViewSession if join.role == "view" else PublishSession
            self._session = make(self, self.factory.server, camera, join)
            self._session.begin()
        except (WireError, Unauthorized) as error:
            self.fail(error)

    def _not_admitted(self, why: Failure) -> None:
        if why.check(CancelledError) is None:  # that is the end of the connection
            log.failure("{peer}: the JOIN failed", failure=why, peer=self.peer)
            self._abort()


class FrameFactory(Factory[FrameProtocol]):
    """Makes the frame port's protocols.

    Arguments:
        server: whose cameras are shown.
        clock: what time-outs are measured by.
        max_frame: the longest FRAME body to take from a publisher, in bytes.
    """

    noisy = False

    def __init__(
        self, server: Server, clock: IReactorTime, max_frame: int = wire.MAX_FRAME
    ) -> None:
        self.server = server
        self.clock = clock
        self.max_frame = max_frame
        self.connections: Connections[FrameProtocol] = Connections()
        self.parting = Parting()

    def buildProtocol(self, addr: IAddress | None) -> FrameProtocol:
        """One for each connection."""
        return FrameProtocol(self)

    def close(self) -> Deferred[None]:
        """Tell all who are connected that the server ends; fires when they are gone."""
        for connection in self.connections:
            connection.bye()
        return self.connections.when_empty()
