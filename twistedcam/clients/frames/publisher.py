"""A client that publishes frames to a ``push:`` camera."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twistedcam.clients.frames.session import MAX_DELAY
from twistedcam.clients.frames.twisted import FrameClient
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track


class Publisher(FrameClient):
    """Publishes the newest frame whenever the server can take one.

    It is a sink: add it to a camera's hub. The times of the frames are converted to the server's
    clock if the two clocks disagree.

    Packets of H.264 and H.265 are published in their order. If the server cannot take them for
    0.4 s, the next one is a key frame. Sound is sent as it comes, and left out meanwhile.
    """

    role = "publish"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sent = 0
        #: Called when a key frame is needed soon.
        self.on_keyframe_request: Callable[[], None] = lambda: None
        self._newest: Frame | None = None
        #: Packets that wait, with the times when they came.
        self._packets: deque[tuple[float, Packet]] = deque()
        #: The track of the sound that the server knows.
        self._sound_track: Track | None = None
        #: True if the next packet has to be a key frame.
        self._is_broken = True

    @property
    def server_codecs(self) -> tuple[str, ...]:
        """The codecs that the server takes; empty while there is no connection."""
        hello = None if self._protocol is None else self._protocol.session.hello
        return () if hello is None else hello.codecs

    def take(self, frame: Packet) -> None:
        """Send a frame, or keep it until there is a newer one (hub.Sink)."""
        if frame.track.kind == "audio":
            self._send_sound(frame)
            return
        if isinstance(frame, Frame):
            self._newest = frame
        elif self._protocol is not None:
            self._keep(frame)
        self.send_next()

    def on_cleared(self) -> None:
        """Do nothing: the newest frame is still sent (hub.Sink)."""

    def on_moved(self) -> None:
        """Do nothing: what waits is sent before packets of another codec (hub.Sink)."""

    def on_removed(self) -> None:
        """Do nothing: the connection stays (hub.Sink)."""

    def track_changed(self, track: object) -> None:
        """Do nothing: key frames have the parameter sets (hub.Sink)."""

    def send_next(self) -> None:
        """Send the newest frame, or the packets that wait, if the server can take them."""
        protocol = self._protocol
        if protocol is None:
            return
        session = protocol.session
        if session.is_keyframe_wanted:
            session.is_keyframe_wanted = False
            self.on_keyframe_request()
        if not (self._newest or self._packets):
            return
        now = self.reactor.seconds()
        while self._packets and protocol.is_writable and session.can_publish_packet(now):
            self._send(self._packets.popleft()[1])
        frame = self._newest
        if frame is not None and protocol.is_writable and session.can_publish():
            self._newest = None
            self._send(frame)

    def connection_lost(self, error: Exception) -> None:
        """Forget what waits, which is old when there is a connection again."""
        self._newest = None
        self._packets.clear()
        self._is_broken = True
        self._sound_track = None
        super().connection_lost(error)

    def _keep(self, packet: Packet) -> None:
        """Keep a packet until it is sent, unless the server is too slow for it."""
        now = self.reactor.seconds()
        if self._packets and now - self._packets[0][0] >= MAX_DELAY:
            self._packets.clear()
            self._is_broken = True
        if packet.is_keyframe:
            self._packets.clear()
            self._is_broken = False
        elif self._is_broken:
            self.on_keyframe_request()
            return
        self._packets.append((now, packet))

    def _send_sound(self, packet: Packet) -> None:
        protocol = self._protocol
        if (
            protocol is None
            or packet.track.codec not in self.server_codecs
            or not protocol.is_writable
            or not protocol.session.can_publish_packet(self.reactor.seconds())
        ):
            return
        if packet.track != self._sound_track:
            self._sound_track = packet.track
            protocol.send_configuration(packet.track)
        protocol.send_frame(self._on_server_clock(packet))

    def _send(self, frame: Packet) -> None:
        assert self._protocol is not None
        self.sent += 1
        self._protocol.send_frame(self._on_server_clock(frame))

    def _on_server_clock(self, frame: Packet) -> Packet:
        clock = self.clock
        if not clock.disagrees:
            return frame
        time_us = max(0, frame.time_us + round(clock.seconds * 1e6))
        if isinstance(frame, Frame):
            return Frame(frame.seq, time_us, frame.width, frame.height, frame.jpeg)
        track, data, dts = frame.track, frame.data, frame.dts
        return Packet(track, frame.seq, time_us, frame.pts, data, frame.is_keyframe, dts)
