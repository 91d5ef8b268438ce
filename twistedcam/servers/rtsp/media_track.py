"""One track of a camera as RTSP sends it: its packets, and placeholders while there are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.errors import NotSupported
from twistedcam.events import CameraChanged, Event
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.rtsp.rtp_frame import rtp_frame
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.streams.placeholder import Placeholders
from twistedcam.servers.rtsp.rtp_stream import RtpStream, payload_format
from twistedcam.servers.rtsp.still_video import StillVideo
from twistedcam.stream.hub import GroupHub, Hub, Sink
from twistedcam.stream.stream import Subscription
from twistedcam.stream.wants import Wants

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()

#: Seconds to wait for the first packet of a camera that may give one soon, by its state.
FIRST_WAIT = {"live": 5.0, "starting": 5.0, "stopped": 5.0, "recovering": 1.0}
#: Seconds for which a track is kept when nobody takes it any more.
LINGER = 10.0
#: Microseconds of a group of pictures in which a new viewer begins at once. A player that begins
#: with a longer one shows everything late, so it waits for a key frame, but at most START_WAIT
#: seconds.
START_SPAN_US = 1_000_000
START_WAIT = 3.0
#: The codecs of sound that RTSP can send.
SOUND = ("aac", "opus", "pcm_alaw", "pcm_mulaw")


class MediaTrack(Sink[Packet]):
    """One track of a camera in one codec, for all viewers who take it.

    Its hub has the camera's packets with their RTP packets, and placeholders while the camera is
    not live, so that viewers stay. It exists from the first DESCRIBE or SETUP until some seconds
    after its last user has gone.

    Arguments:
        server: the server of the camera.
        camera: the camera.
        wants: the codecs that viewers take.
        placeholders: draws them.
        on_unused: called when nobody has used the track for a while.

    Raises:
        NotSupported: the camera's video is not available in any of the codecs.
    """

    __slots__ = (
        "__weakref__",
        "_is_drawing",
        "_linger",
        "_logged",
        "_needs_keyframe",
        "_on_unused",
        "_placeholder_timer",
        "_placeholders",
        "_seq",
        "_server",
        "_start_timer",
        "_still",
        "_subscription",
        "_unsubscribe",
        "_users",
        "_waiting",
        "_waiting_starts",
        "camera",
        "fault",
        "hub",
        "rtp",
        "track",
        "wants",
    )

    def __init__(
        self,
        server: Server,
        camera: Camera,
        wants: Wants,
        placeholders: Placeholders,
        on_unused: Callable[[MediaTrack], None],
    ) -> None:
        self.camera = camera
        self.wants = wants
        #: The track of its packets; None before the first.
        self.track: Track | None = None
        #: Makes the RTP packets; None before the first packet.
        self.rtp: RtpStream | None = None
        #: The reason why RTP cannot carry the last packet; None if it can.
        self.fault: str | None = None
        is_group = wants.kind == "video" and wants.codecs != ("mjpeg",)
        self.hub: Hub[Packet] = GroupHub(server.clock) if is_group else Hub(server.clock)
        self._server = server
        self._placeholders = placeholders
        self._on_unused = on_unused
        self._seq = 0
        #: True until a decoder can begin with the camera's packets.
        self._needs_keyframe = is_group
        #: The placeholder that is shown, and True while it is drawn and encoded.
        self._still = StillVideo(server.make_thread)
        self._is_drawing = False
        self._logged: set[str] = set()
        #: The users; each is called with the reason when the track cannot go on.
        self._users: dict[object, Callable[[str], None]] = {}
        self._waiting: list[Deferred[None]] = []
        #: What begins with the next key frame.
        self._waiting_starts: list[Callable[[], None]] = []
        self._start_timer = Timer(server.clock)
        self._linger = Timer(server.clock)
        self._placeholder_timer = Timer(server.clock)
        self._unsubscribe = server.events.subscribe(self._on_event)
        self._subscription: Subscription | None = None
        try:
            self._subscription = camera.stream.subscribe(self, wants)
        except NotSupported:
            self._unsubscribe()
            raise
        if isinstance(self.hub, GroupHub):
            self.hub.on_keyframe_request = self._subscription.request_keyframe
        self._begin_with_group()
        self._update_placeholder()

    @property
    def is_known(self) -> bool:
        """True if the track can be described: its first packet has come."""
        return self.rtp is not None

    def use(self, user: object, on_end: Callable[[str], None]) -> None:
        """Keep the track for a user.

        Arguments:
            on_end: called with the reason when the track's codec is another one.
        """
        self._linger.cancel()
        self._users[user] = on_end

    def release(self, user: object) -> None:
        """Keep the track no longer for a user."""
        if self._users.pop(user, None) is not None and not self._users:
            self._linger.start(LINGER, self.close)

    def when_known(self) -> Deferred[None]:
        """Return a Deferred that fires when the track can be described.

        It fails with NotSupported if the camera's packets cannot be sent by RTP.
        """
        done: Deferred[None] = Deferred(lambda each: self._waiting.remove(each))
        self._waiting.append(done)
        self._answer_waiting()
        return done

    def expect(self, track: Track) -> None:
        """Prepare for packets of a track of sound, which is known before they come.

        Raises:
            NotSupported: RTP cannot carry them.
        """
        if self.rtp is None:
            self.rtp = self._make_rtp(track)
            self.track = track

    def start_at_keyframe(self, start: Callable[[], None]) -> None:
        """Call ``start`` when a viewer should begin: soon after a key frame."""
        group = self.hub.group if isinstance(self.hub, GroupHub) else []
        if not group or self._is_short(group):
            start()
            return
        self._waiting_starts.append(start)
        self._start_timer.start_unless_pending(START_WAIT, self._start_all)
        self.hub.request_keyframe()

    def first_numbers(self) -> str:
        """Return the first packet of a new viewer as parameters of RTP-Info.

        It is empty while that is not known: the viewer waits for a key frame.
        """
        if self.rtp is None:
            return ""
        hub = self.hub
        group = hub.group if isinstance(hub, GroupHub) else []
        if group and not self._is_short(group):
            return ""
        first = group[0] if group else hub.newest
        if first is None or self.wants.kind == "audio":  # the next one
            return f"seq={self.rtp.sequence}"
        made = first.shared(rtp_frame)
        return f"seq={made.sequence};rtptime={made.timestamp}"

    def close(self) -> None:
        """End the track."""
        self._waiting_starts.clear()
        self._start_timer.cancel()
        self._linger.cancel()
        self._placeholder_timer.cancel()
        self._unsubscribe()
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        self._end_users("the camera is not available any more")
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.errback(NotSupported("the camera is not available any more"))
        self._on_unused(self)

    # Sink of the camera's stream.

    def take(self, packet: Packet, /) -> None:
        """Pass a packet of the camera on (hub.Sink)."""
        if self._needs_keyframe and not packet.is_keyframe:
            assert self._subscription is not None
            self._subscription.request_keyframe()
            return
        self._needs_keyframe = False
        self._still.begin_group()
        if self.wants.kind == "video" and self.camera.state == "live":
            self._placeholder_timer.cancel()
        self._publish(packet.bare())

    def track_changed(self, track: Track) -> None:
        """End the users if the codec is another: RTSP cannot tell them (hub.Sink)."""
        before = self.track
        if before is not None and before.codec != track.codec:
            log.info(
                "{camera}: RTSP viewers are disconnected: its {kind} is {now} and not {before} now",
                camera=self.camera.name,
                kind=track.kind,
                now=track.codec,
                before=before.codec,
            )
            self._end_users(f"the camera's {track.kind} is {track.codec} now")
            self.close()

    def on_cleared(self) -> None:
        """Begin with a key frame when the camera is live again (hub.Sink)."""
        self._needs_keyframe = isinstance(self.hub, GroupHub)

    def on_removed(self) -> None:
        """End the users, so that they can begin again (hub.Sink)."""
        self._end_users("an internal error, or the camera has another codec now")
        self.close()

    def _begin_with_group(self) -> None:
        """Take what the camera has sent since its last key frame."""
        subscription = self._subscription
        hub = None if subscription is None else subscription.hub
        if hub is None or self.wants.kind == "audio":
            return
        if isinstance(hub, GroupHub) and hub.group:
            for packet in hub.group:
                self.take(packet)
        elif not isinstance(hub, GroupHub) and hub.newest is not None:
            self.take(hub.newest)
        else:
            assert subscription is not None
            subscription.request_keyframe()

    @staticmethod
    def _is_short(group: list[Packet]) -> bool:
        return group[-1].time_us - group[0].time_us <= START_SPAN_US

    def _publish(self, packet: Packet) -> None:
        """Make the RTP packets of a packet, which is this track's own, and send them."""
        track = packet.track
        try:
            if self.rtp is None:
                self.rtp = self._make_rtp(track)
            self.rtp.make(packet)
        except (NotSupported, ValueError) as error:
            self._refuse(str(error))
            return
        self.track, self.fault = track, None
        self._seq += 1
        packet.seq = self._seq
        self.hub.publish(packet)
        self._answer_waiting()
        if packet.is_keyframe and self._waiting_starts:
            self._start_all()

    def _start_all(self) -> None:
        self._start_timer.cancel()
        starts, self._waiting_starts = self._waiting_starts, []
        for start in starts:
            start()

    def _make_rtp(self, track: Track) -> RtpStream:
        return RtpStream(payload_format(track), f"{self.camera.name}@twistedcam")

    def _refuse(self, reason: str) -> None:
        """Leave a packet out that RTP cannot carry; log each reason once."""
        self.fault = reason
        if self.track is None:
            self.rtp = None
        if isinstance(self.hub, GroupHub):
            self._needs_keyframe = True
        if reason not in self._logged and len(self._logged) < 16:
            self._logged.add(reason)
            log.warn("{camera}: not sent by RTSP: {reason}", camera=self.camera.name, reason=reason)
        self._answer_waiting()

    def _answer_waiting(self) -> None:
        """Tell those who wait for the description that it is known, or why there is none."""
        if not self._waiting or (self.track is None and self.fault is None):
            return
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if self.fault is None:
                each.callback(None)
            else:
                each.errback(NotSupported(self.fault))

    def _end_users(self, reason: str) -> None:
        users, self._users = self._users, {}
        for on_end in users.values():
            on_end(reason)

    # Placeholders.

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self.camera.name:
            self._update_placeholder()

    def _update_placeholder(self) -> None:
        """Send placeholders while the camera is not live."""
        self._placeholder_timer.cancel()
        if self.wants.kind == "audio":
            return
        camera = self.camera
        if self.track is None and (camera.state != "stopped" or camera.is_idle):
            # The camera may say by its first packet soon which codec it has.
            self._placeholder_timer.start(FIRST_WAIT[camera.state], self._show_placeholder)
        elif camera.state != "live":
            self._show_placeholder()

    @property
    def _needs_placeholder(self) -> bool:
        """True while the camera gives no packets for the track."""
        return self._subscription is not None and (
            self.camera.state != "live" or self.track is None
        )

    def _show_placeholder(self) -> None:
        """Send the next placeholder, unless one is being drawn, which will be sent."""
        if self._is_drawing or not self._needs_placeholder:
            return
        self._is_drawing = True
        showing = Deferred.fromCoroutine(self._send_placeholder())
        showing.addErrback(
            lambda why: log.failure("a placeholder could not be drawn or sent", failure=why)
        )

    async def _send_placeholder(self) -> None:
        try:
            jpeg = (await self._placeholders.frame(self.camera)).jpeg
            await self._still.show(jpeg, self._placeholder_codec())
        finally:
            self._is_drawing = False
            if self._needs_placeholder:
                self._placeholder_timer.start(self._still.period, self._show_placeholder)
        if not self._needs_placeholder:
            return
        track, data, is_keyframe = self._still.next_picture()
        now = time.time_ns() // 1000
        pts = self.camera.stream.now()
        self._publish(Packet(track, 0, now, now if pts is None else pts, data, is_keyframe))
        self._needs_keyframe = isinstance(self.hub, GroupHub)

    def _placeholder_codec(self) -> str:
        """The codec of the track, or the one that it will probably have."""
        if self.track is not None:
            return self.track.codec
        own = self.camera.stream.codec
        return own if own in self.wants.codecs else self.wants.codecs[0]
