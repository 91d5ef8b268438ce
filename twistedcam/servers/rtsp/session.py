"""A session: the tracks that a client has set up, and their playing."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from twisted.logger import Logger

from twistedcam.auth import Grant, TokenSession
from twistedcam.delivery.sender import Sender, do_nothing
from twistedcam.delivery.udp_sender import Address, UdpSender
from twistedcam.errors import TooMany
from twistedcam.net.connection_limits import Admission
from twistedcam.rtsp.messages import interleaved_head
from twistedcam.rtsp.rtcp import ReceiverReport, ReportBlock, RtcpBye, SenderReport, parse_rtcp
from twistedcam.rtsp.rtp_frame import interleaved
from twistedcam.runtime.timer import Timer
from twistedcam.servers.rtsp.media_track import MediaTrack
from twistedcam.servers.rtsp.udp import UdpPorts

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.stream.viewers import Viewer

log = Logger()

#: Seconds without a sign of life after which a session over UDP ends.
TIMEOUT = 60
#: Seconds more, for a sign of life that is sent in time.
_GRACE = 5.0

State = Literal["ready", "playing", "ended"]


class Carrier(Protocol):
    """The connection that carries the packets of a session, or its requests."""

    transport: Any
    peer: str

    def make_sender(self, channel: int, on_ready: Callable[[], None]) -> Sender:
        """Return the sender that the connection belongs to while the session plays."""

    def on_session_ended(self, reason: str) -> None:
        """Close the connection: the session was ended, and not by the client."""


class TrackSetup:
    """A track that a client has set up.

    Arguments:
        media: the track.
        channel: the interleaved channel of RTP; None over UDP.
        ports: the server's ports, over UDP.
        rtp, rtcp: the client's addresses, over UDP.
    """

    def __init__(
        self,
        media: MediaTrack,
        url: str,
        channel: int | None = None,
        ports: UdpPorts | None = None,
        rtp: Address = ("", 0),
        rtcp: Address = ("", 0),
    ) -> None:
        self.media = media
        self.url = url
        self.channel = channel
        self.ports = ports
        self.rtp = rtp
        self.rtcp = rtcp

    def close(self) -> None:
        """Release the client's port."""
        if self.ports is not None:
            self.ports.forget(self.rtcp)


class RtspServerSession:
    """One client's session.

    Over the connection it ends with that; over UDP it ends when the client gives no sign of life.

    Arguments:
        server: the server of the camera.
        camera: the camera.
        carrier: the connection that has made it.
        on_end: called when it has ended.
    """

    def __init__(
        self,
        server: Server,
        camera: Camera,
        carrier: Carrier,
        on_end: Callable[[RtspServerSession], None],
    ) -> None:
        self.id = secrets.token_hex(8)
        self.camera = camera
        self.state: State = "ready"
        self.tracks: dict[int, TrackSetup] = {}
        #: The connection; None if the client has closed it, and the session goes on over UDP.
        self.carrier: Carrier | None = carrier
        #: The host that it belongs to.
        self.host = getattr(carrier.transport.getPeer(), "host", None)
        #: Counts a session without a connection like a connection.
        self._admission: Admission | None = None
        self._token_session: TokenSession | None = None
        self._address = carrier.peer
        self._server = server
        self._on_end = on_end
        self._alive_at = server.clock.seconds()
        self._timer = Timer(server.clock)
        self._viewer: Viewer | None = None
        self._senders: dict[int, Sender] = {}
        self._subscription: Any = None
        self._stop_sound: Callable[[], None] = do_nothing
        self._timer.start(TIMEOUT + _GRACE, self._check)

    @property
    def is_interleaved(self) -> bool:
        """True if the packets go over the connection."""
        return any(track.channel is not None for track in self.tracks.values())

    def add(self, track_id: int, setup: TrackSetup) -> None:
        """Add a track, or set it up again.

        Raises:
            TooMany: another session uses the client's UDP port.
        """
        before = self.tracks.pop(track_id, None)
        if before is not None:
            before.close()
        if setup.ports is not None:
            setup.ports.listen(setup.rtcp, self.on_rtcp)
        self.tracks[track_id] = setup
        setup.media.use(self, self.end)

    def free_channel(self) -> int:
        """Return the lowest interleaved channel that no track uses."""
        used = {track.channel for track in self.tracks.values()}
        return next(channel for channel in range(0, 255, 2) if channel not in used)

    def note_alive(self) -> None:
        """Note a sign of life."""
        self._alive_at = self._server.clock.seconds()

    def play(self, response: bytes) -> None:
        """Send packets from now on, after the response to PLAY."""
        assert self.carrier is not None or not self.is_interleaved
        self.state = "playing"
        main = min(self.tracks)
        for number in sorted(self.tracks):  # the main one first: others may share its sender
            track = self.tracks[number]
            self._senders[number] = self._make_sender(track, is_main=number == main)
        sender = self._senders[main]
        if self.is_interleaved:
            sender.send_message(response)
        self._viewer = viewer = self._server.viewers.join(
            self._address, "rtsp", self.camera.name, sender.path, self._kicked
        )
        media = self.tracks[main].media
        if media.rtp is not None:
            media.rtp.need_report()
        delivery = self._server.delivery
        self._subscription = delivery.subscribe(viewer, media.hub, sender, None)
        media.start_at_keyframe(partial(self._begin, self._subscription))
        for number, track in self.tracks.items():
            if number != main and track.media.rtp is not None:
                sound, form = track.media, interleaved(track.channel or 0)
                # Players relate sound to pictures by its first report, so it comes first.
                self._stop_sound = delivery.subscribe_sound_hub(
                    viewer, sound.hub, self._senders[number], form, track.media.rtp.need_report
                )
        self._server.viewers.announce(viewer)

    def pause(self, done: Callable[[], None]) -> None:
        """Send no more packets; call ``done`` when those that were begun are sent."""
        self.state = "ready"
        self._stop(done, is_kept=True)

    def send(self, data: bytes) -> bool:
        """Send bytes between two packets. Return False if the connection is not the session's."""
        if self.state != "playing" or not self.is_interleaved:
            return False
        self._senders[min(self.tracks)].send_message(data)
        return True

    def queued_bytes(self) -> int:
        """Return the bytes of messages that wait for the client to read."""
        senders = self._senders if self.is_interleaved else {}
        return max((each.queued_bytes() for each in senders.values()), default=0)

    def on_interleaved(self, channel: int, data: bytes) -> bool:
        """Handle a packet of the client. Return False if it has not set up that channel."""
        channels = [track.channel for track in self.tracks.values() if track.channel is not None]
        if channel - 1 in channels:
            self.on_rtcp(data)
            return True
        return channel in channels

    def on_rtcp(self, data: bytes) -> None:
        """Read the client's reports: a sign of life, and the packets that it has lost."""
        try:
            for packet in parse_rtcp(data):
                self.note_alive()
                if isinstance(packet, ReceiverReport | SenderReport):
                    for block in packet.blocks:
                        self._note_loss(block)
        except ValueError:
            return  # it is no RTCP

    def go_on_alone(self, peer: Any, grant: Grant) -> None:
        """Go on without the connection, which the client has closed: the packets go over UDP.

        The session counts as a connection, and ends with its token. If no more connections are
        allowed, it ends now.

        Arguments:
            peer: the result of the transport's ``getPeer()``.
            grant: the rights of the client.
        """
        server, name = self._server, self.camera.name
        try:
            self._admission = server.connection_limiter.admit(peer)
        except TooMany:
            self.lose()
            return
        rights = grant.watching_rights(name)
        self._token_session = server.authenticator.open_session(
            grant, lambda now: now.allows_all(rights, name), lambda why: self.end(str(why))
        )

    def end(self, reason: str | None = None, done: Callable[[], None] = do_nothing) -> None:
        """End the session.

        Arguments:
            reason: the reason, if the client has not asked for it. Its connection is closed then.
            done: called when the packets that were begun are sent.
        """
        if self.state == "ended":
            done()
            return
        if self.state == "playing" and reason is not None:
            self._say_bye()
        carrier, self.carrier = self.carrier, None

        def on_sent() -> None:
            done()
            if carrier is not None and reason is not None:
                carrier.on_session_ended(reason)

        self._stop(on_sent, is_kept=reason is None)
        self._release()

    def lose(self) -> None:
        """End the session at once: its connection is lost."""
        if self.state == "ended":
            return
        self.carrier = None
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()
        self._stop(do_nothing)
        self._release()

    def rtp_info(self) -> str:
        """Return the value of RTP-Info: the first packet of each track, as far as it is known."""
        found = {track.url: track.media.first_numbers() for track in self.tracks.values()}
        return ",".join(f"url={url};{numbers}" for url, numbers in found.items() if numbers)

    def _make_sender(self, track: TrackSetup, *, is_main: bool) -> Sender:
        if track.ports is not None:
            return self._server.delivery.make_datagram_sender(
                track.ports.sockets, track.rtp, track.rtcp, self._on_unreachable
            )
        assert self.carrier is not None and track.channel is not None
        if is_main:
            return self.carrier.make_sender(track.channel, self._on_ready)
        return self._senders[min(self.tracks)]

    def _begin(self, subscription: Any) -> None:
        """Send the first packet, unless the session has stopped to play meanwhile."""
        if self._subscription is subscription:
            subscription.start()

    def _on_ready(self) -> None:
        if self._subscription is not None:
            self._subscription.ready()

    def _stop(self, done: Callable[[], None], *, is_kept: bool = False) -> None:
        """Stop sending.

        Arguments:
            done: called when the packets that were begun are sent.
            is_kept: True if the connection is used further.
        """
        stop_sound, self._stop_sound = self._stop_sound, do_nothing
        stop_sound()
        senders, self._senders = self._senders, {}
        subscription, self._subscription = self._subscription, None
        viewer, self._viewer = self._viewer, None
        if viewer is not None:
            self._server.viewers.leave(viewer)
        if subscription is None:
            done()
            return
        if is_kept:
            self._server.delivery.release(subscription, done)
        else:
            subscription.finish(done)
        for sender in senders.values():
            if isinstance(sender, UdpSender):
                sender.close()

    def _say_bye(self) -> None:
        """Tell the client that no more packets come."""
        for number, track in self.tracks.items():
            if track.media.rtp is None:
                continue
            data = RtcpBye((track.media.rtp.ssrc,)).encode()
            data = ReceiverReport(track.media.rtp.ssrc).encode() + data
            if track.channel is not None:
                data = interleaved_head(track.channel + 1, len(data)) + data
            self._senders[number].send_message(data)

    def _release(self) -> None:
        """Release everything: the session is at its end."""
        self.state = "ended"
        self._timer.cancel()
        for track in self.tracks.values():
            track.close()
            track.media.release(self)
        if self._admission is not None:
            self._admission.leave()
        if self._token_session is not None:
            self._token_session.close()
        self._on_end(self)

    def _note_loss(self, block: ReportBlock) -> None:
        media = self.tracks[min(self.tracks)].media
        if self._viewer is not None and media.rtp is not None and block.ssrc == media.rtp.ssrc:
            self._viewer.loss = block.fraction_lost / 256

    def _on_unreachable(self) -> None:
        self.end("its address cannot be reached, or a worker process has ended")

    def _kicked(self, reason: str) -> None:
        self.end(reason)

    def _check(self) -> None:
        """End a session over UDP whose client gives no sign of life."""
        silence = self._server.clock.seconds() - self._alive_at
        is_carried = self.is_interleaved and self.state == "playing"
        if silence >= TIMEOUT and not is_carried:
            log.info(
                "{peer}: its RTSP session has ended: it was silent for {limit} s",
                peer=self._address,
                limit=TIMEOUT,
            )
            self.end(f"it was silent for {TIMEOUT} s")
            return
        self._timer.start(max(1.0, TIMEOUT + _GRACE - silence), self._check)
