"""Tracks, sessions and UDP ports, which all connections to the RTSP port share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from twistedcam.auth import Grant
from twistedcam.delivery.udp_sender import Address
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.streams.placeholder import Placeholders
from twistedcam.servers.rtsp.media_track import MediaTrack
from twistedcam.servers.rtsp.session import Carrier, RtspServerSession, TrackSetup
from twistedcam.servers.rtsp.transport_header import (
    ClientPorts,
    InterleavedChannels,
    UnsupportedTransport,
)
from twistedcam.servers.rtsp.udp import UdpPorts
from twistedcam.stream.wants import Wants

#: Seconds for which unused UDP ports stay open: each opening and closing is a line of the log.
PORT_LINGER = 60.0

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server


class RtspPeerConnection(Carrier, Protocol):
    """The parts of a connection that the methods use."""

    #: The session that was made on this connection; None if there is none.
    session: RtspServerSession | None
    #: The rights of the last login; None before it.
    grant: Grant | None

    @property
    def is_over(self) -> bool:
        """True if the connection is closed or being closed."""

    @property
    def is_tls(self) -> bool:
        """True if the connection is encrypted."""

    def log_in(self, grant: Grant, camera: str) -> None:
        """Note what the client may do, as long as its token says so."""

    def reclaim_transport(self) -> None:
        """Write to the transport again: its sender has finished."""

    def respond(self, response: bytes) -> None:
        """Send a response, after the packet that is being sent."""


class RtspStreams:
    """The tracks that are sent, the sessions, and the UDP ports.

    Arguments:
        server: the server of the cameras.
        reactor: opens UDP ports, and waits for sockets.
    """

    def __init__(self, server: Server, reactor: Any) -> None:
        #: The sessions by their ids.
        self.sessions: dict[str, RtspServerSession] = {}
        self.reactor = reactor
        self._server = server
        self._placeholders = Placeholders(server)
        self._tracks: dict[tuple[str, Wants], MediaTrack] = {}
        self._ports: dict[str, UdpPorts] = {}
        self._port_timer = Timer(server.clock)

    def track(self, camera: Camera, wants: Wants) -> MediaTrack:
        """Return the track of a camera in one of some codecs: the same for all who want it.

        Raises:
            NotSupported: the camera's video is not available in any of them.
        """
        key = camera.name, wants
        track = self._tracks.get(key)
        if track is not None and track.camera is not camera:
            track.close()  # another camera of that name
            track = None
        if track is None:
            track = MediaTrack(self._server, camera, wants, self._placeholders, self._forget)
            self._tracks[key] = track
        return track

    def open_session(self, camera: Camera, carrier: Carrier) -> RtspServerSession:
        """Return a new session."""
        session = RtspServerSession(self._server, camera, carrier, self._session_ended)
        self.sessions[session.id] = session
        return session

    def set_up(
        self,
        session: RtspServerSession,
        track_id: int,
        track: MediaTrack,
        url: str,
        wanted: InterleavedChannels | ClientPorts,
        connection: Any,
    ) -> str:
        """Add a track to a session; return the header Transport of the response.

        Arguments:
            url: the address of the track.
            wanted: the transport that the client has asked for.
            connection: the transport of its connection. Packets over UDP go to its peer only.

        Raises:
            UnsupportedTransport: the session has a track with another transport, or its channel,
                or the client's ports are those of this server.
            TooMany: there are no UDP ports, or another session uses the client's.
        """
        others = [each for number, each in session.tracks.items() if number != track_id]
        is_tcp = isinstance(wanted, InterleavedChannels)
        if any((each.channel is not None) != is_tcp for each in others):
            raise UnsupportedTransport("all tracks of a session have the same kind of transport")
        assert track.rtp is not None
        ssrc = f"ssrc={track.rtp.ssrc:08X}"
        if isinstance(wanted, InterleavedChannels):
            channel = session.free_channel() if wanted.channel is None else wanted.channel
            used = [each.channel for each in others if each.channel is not None]
            if any(abs(each - channel) < 2 for each in used):
                raise UnsupportedTransport(f"another track has channel {channel} or the next one")
            session.add(track_id, TrackSetup(track, url, channel))
            return f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};{ssrc}"
        peer, host = connection.getPeer().host, connection.getHost().host
        ports = self.udp_ports(host)
        rtp, rtcp = ports.numbers
        if peer == host and not {rtp, rtcp}.isdisjoint((wanted.rtp, wanted.rtcp)):
            # Its own sender reports would keep such a session alive without end.
            raise UnsupportedTransport("client_port is a port of this server")
        addresses = (peer, wanted.rtp), (peer, wanted.rtcp)
        self._end_orphan(addresses[1])
        session.add(track_id, TrackSetup(track, url, None, ports, *addresses))
        return (
            f"RTP/AVP;unicast;client_port={wanted.rtp}-{wanted.rtcp};"
            f"server_port={rtp}-{rtcp};{ssrc}"
        )

    def udp_ports(self, host: str) -> UdpPorts:
        """Return the UDP ports at a local address, which all its sessions share.

        Raises:
            TooMany: no ports are free.
        """
        ports = self._ports.get(host)
        if ports is None:
            ports = self._ports[host] = UdpPorts(self.reactor, host)
        return ports

    def close(self) -> None:
        """End all sessions and tracks, and close the UDP ports."""
        for session in tuple(self.sessions.values()):
            session.end("the server is stopping")
        for track in tuple(self._tracks.values()):
            track.close()
        self._port_timer.cancel()
        for ports in self._ports.values():
            ports.close()
        self._ports.clear()

    def _end_orphan(self, rtcp: Address) -> None:
        """End a session that has no connection and sends to this address: its client is back.

        It was killed or has lost its connection, and uses the same ports again.
        """
        for session in tuple(self.sessions.values()):
            if session.carrier is None and rtcp in (each.rtcp for each in session.tracks.values()):
                session.lose()

    def _session_ended(self, session: RtspServerSession) -> None:
        self.sessions.pop(session.id, None)
        if any(not ports.is_used for ports in self._ports.values()):
            self._port_timer.start_unless_pending(PORT_LINGER, self._close_unused_ports)

    def _close_unused_ports(self) -> None:
        for host, ports in tuple(self._ports.items()):
            if not ports.is_used:
                del self._ports[host]
                ports.close()

    def _forget(self, track: MediaTrack) -> None:
        key = track.camera.name, track.wants
        if self._tracks.get(key) is track:
            del self._tracks[key]
