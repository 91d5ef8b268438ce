"""One camera's tracks, a hub for each codec in which they can be had, and who takes which."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from twistedcam.codecs.h264_encoder import H264Settings
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import NotSupported
from twistedcam.events import EventBus
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.timeline import Timeline
from twistedcam.media.track import Track
from twistedcam.runtime.threads import Thread
from twistedcam.stream.camera_sound import CameraSound
from twistedcam.stream.encoder_sharing import USUAL_SETTINGS, EncoderSharing
from twistedcam.stream.h264_transcoder import H264Transcoder
from twistedcam.stream.hub import FrameHub, GroupHub, Hub, Sink
from twistedcam.stream.jpeg_transcoder import JpegTranscoder, decode_still
from twistedcam.stream.wants import Wants

#: Codecs in which every camera's video can be had.
_MADE_HERE = ("mjpeg", "h264")


class Subscription:
    """A sink's place at the hub that suits it. It moves with the camera's codec.

    Made by ``Stream.subscribe``.
    """

    def __init__(self, stream: Stream, sink: Sink[Any], wants: Wants) -> None:
        self.sink = sink
        self.wants = wants
        #: The hub whose packets the sink gets; None while no track suits it.
        self.hub: Hub[Any] | None = None
        self._stream = stream

    @property
    def track(self) -> Track | None:
        """The track of the sink's packets; None before the first."""
        return None if self.hub is None else self.hub.track

    @property
    def transcoder(self) -> H264Transcoder | None:
        """The encoder of the sink's packets; None if they are the camera's own, or JPEG."""
        return self._stream.transcoder_for(self)

    @property
    def dropped(self) -> int:
        """The number of packets that the transcoders on the sink's way have left out so far."""
        return self._stream.dropped_for(self)

    def request_keyframe(self) -> None:
        """Ask the encoder for a key frame soon; does nothing if the camera encodes."""
        if self.hub is not None:
            self.hub.request_keyframe()

    def flush(self) -> Deferred[None]:
        """Fires when the sink has received the packets that were captured before."""
        transcoder = self.transcoder
        if transcoder is not None:
            return transcoder.flush()
        if self.hub is None:
            return succeed(None)
        self.hub.catch_up()
        return self._stream.audio.flush(self.hub) if self.wants.kind == "audio" else succeed(None)

    def close(self) -> Deferred[None]:
        """Take no more packets.

        Fires at once; if the sink needs every packet, when it has received those captured before.
        """
        return self._stream.unsubscribe(self)


class Stream:
    """The media of one camera.

    A sink that understands the camera's own codec gets its packets as they are. For the others a
    transcoder exists as long as somebody takes its packets, one for all who want the same.

    Arguments:
        camera: the camera's name.
        clock: schedules the rounds of sinks.
        make_thread: makes the threads of transcoders.
        events: receives a fault if there is no encoder.
        find_encoder: returns the camera's encoder of JPEG.
        monotonic: returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        camera: str,
        clock: IReactorTime | None,
        make_thread: Callable[[], Thread],
        events: EventBus,
        find_encoder: Callable[[], JpegEncoder],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        #: The hub of JPEG frames. If the camera's codec is another, they are made on demand.
        self.frames = FrameHub(clock)
        #: The hub of the camera's packets, if it encodes video.
        self.packets = GroupHub(clock)
        #: The camera's sound in all codecs, and the hub of its own packets.
        self.audio = CameraSound(camera, clock, make_thread)
        self.sound = self.audio.hub
        #: Called with True when somebody begins to take packets, with False when nobody does.
        self.on_demand: Callable[[bool], None] = lambda wanted: None
        #: Returns the camera's nominal rate in pictures a second; None if it is unknown.
        self.find_rate: Callable[[], float | None] = lambda: None
        #: The settings of the viewers' encoder: for those who want no special ones.
        self.settings = USUAL_SETTINGS
        self._sharing = EncoderSharing()
        self._camera = camera
        self._clock = clock
        self._make_thread = make_thread
        self._events = events
        self._find_encoder = find_encoder
        self._monotonic = monotonic
        self._timeline = Timeline()
        #: The track of the camera's video; that of its last opening while it is not live.
        self._video: Track | None = None
        #: The newest key frame of which a still was made, and the still.
        self._still: tuple[Packet, Frame] | None = None
        self._is_wanted = False
        self._subscriptions: list[Subscription] = []
        self._jpeg_transcoder = JpegTranscoder(
            self.packets, self.frames, find_encoder, make_thread, monotonic
        )
        #: The H.264 transcoders by their settings, also some that are not active any more.
        self._by_settings: dict[H264Settings, H264Transcoder] = {}
        self.frames.on_demand = self._frames_wanted
        self.packets.on_demand = self.sound.on_demand = self._demand_changed
        self.audio.on_track_changed = self.negotiate

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The camera's own tracks; those of its last opening while it is not live."""
        return tuple(each for each in (self._video, self.sound.track) if each is not None)

    @property
    def codec(self) -> str | None:
        """The codec of the camera's video; None before its first picture."""
        return None if self._video is None else self._video.codec

    @property
    def codecs(self) -> tuple[str, ...]:
        """The codecs in which the video can be had, the camera's own first."""
        own = () if self.codec is None or self._is_redrawn else (self.codec,)
        return tuple(dict.fromkeys((*own, *_MADE_HERE)))

    @property
    def newest(self) -> Packet | None:
        """The newest packet of the camera's video; None while the camera is not live."""
        return self.frames.newest if self.codec in (None, "mjpeg") else self.packets.newest

    @property
    def h264_transcoders(self) -> tuple[H264Transcoder, ...]:
        """The transcoders to H.264 that are active."""
        return tuple(each for each in self._by_settings.values() if each.is_active)

    @property
    def is_wanted(self) -> bool:
        """True while somebody takes packets of any kind."""
        return bool(len(self.frames) or len(self.packets) or len(self.sound))

    def transcoding(self) -> list[tuple[str, str, int]]:
        """The codecs from and to which is transcoded now, with the number of sinks."""
        own, active = self.codec or "mjpeg", self.h264_transcoders
        made = [(own, each.settings.shown_codec, len(each.hub)) for each in active]
        sinks = len(self.frames) - len(active)  # the transcoders to H.264 take frames, too
        if self._jpeg_transcoder.is_active and sinks > 0:
            made.insert(0, (own, "mjpeg", sinks))
        return made + self.audio.transcoding()

    def use_settings(self, settings: H264Settings) -> None:
        """Encode with these settings for those who want no special ones, from now on."""
        self.settings = settings
        self.negotiate()

    def publish(self, packet: Packet) -> None:
        """Give a packet its time on the stream's timeline, and pass it to those who take it."""
        track = packet.track
        if track.kind == "audio":
            self.audio.publish(packet, self._timeline.time_of(packet.time_us), self.now())
            return
        reorder = packet.pts - packet.dts
        dts = self._timeline.place(packet.time_us - reorder, self._monotonic())
        packet.dts, packet.pts = dts, dts + reorder
        before, self._video = self._video, track
        hub: Hub[Any] = self.frames if isinstance(packet, Frame) else self.packets
        if track is not before and track != before:
            if hub.track is not None and hub.track.codec != track.codec:
                hub.track = None  # sinks must not get the track of an earlier opening
            self.negotiate()
        hub.publish(packet)

    def clear(self) -> None:
        """Forget the newest packets: the camera is not live."""
        for each in (self.packets, self.frames, self.audio):
            each.clear()

    def now(self) -> int | None:
        """Return the current microsecond of the timeline; None before the first packet."""
        return self._timeline.at(self._monotonic())

    def subscribe(self, sink: Sink[Any], wants: Wants) -> Subscription:
        """Pass the packets that suit a sink to it from now on.

        Raises:
            NotSupported: they are not available in any codec that it understands.
        """
        subscription = Subscription(self, sink, wants)
        subscription.hub = self.hub_for(wants)
        self._subscriptions.append(subscription)
        self._join(subscription)
        if wants.settings is not None:
            self.negotiate()  # viewers share the encoder
        return subscription

    def unsubscribe(self, subscription: Subscription) -> Deferred[None]:
        """End a subscription (``Subscription.close``)."""
        if subscription not in self._subscriptions:
            return succeed(None)
        self._subscriptions.remove(subscription)
        hub, subscription.hub = subscription.hub, None
        return self._leave(subscription, hub)

    def end(self) -> None:
        """Remove all sinks: there are no more packets."""
        for each in tuple(self._subscriptions):
            each.sink.on_removed()

    def negotiate(self) -> None:
        """Move sinks to the hubs that suit them now: the codec or the changes here are others.

        A sink that understands none of the codecs any more is removed.
        """
        for each in tuple(self._subscriptions):
            try:
                hub = self.hub_for(each.wants)
            except NotSupported:
                hub = None
            if hub is not each.hub:
                before, each.hub = each.hub, hub
                each.sink.on_moved()
                self._join(each)
                self._leave(each, before)
                if hub is None and each.wants.kind == "video":
                    each.sink.on_removed()
        if len(self.frames):
            self._frames_wanted(True)

    def transcoder_for(self, subscription: Subscription) -> H264Transcoder | None:
        """The encoder of a sink's packets; None if they are the camera's own, or JPEG."""
        return None if subscription.hub is None else self._transcoder_of(subscription.hub)

    def dropped_for(self, subscription: Subscription) -> int:
        """The number of packets that transcoders have left out (``Subscription.dropped``)."""
        transcoder = self.transcoder_for(subscription)
        dropped = 0 if transcoder is None else transcoder.dropped
        if subscription.wants.kind == "audio":
            return self.audio.dropped_for(subscription.hub)
        if subscription.hub in (None, self.packets):
            return dropped
        return dropped + self._jpeg_transcoder.dropped  # encoders take their pictures from it, too

    def hub_for(self, wants: Wants) -> Hub[Any] | None:
        """The hub whose packets suit best now; None if the camera has no such track now.

        Raises:
            NotSupported: they are not available in any codec that is wanted.
        """
        if wants.kind == "audio":
            return self.audio.hub_for(wants.codecs)
        own = self.codec or "mjpeg"
        smaller = self._sharing.smaller(self.settings, wants.size, self._video_size)
        if smaller is not None:
            if "h264" not in wants.codecs:
                raise NotSupported(f"a smaller picture of {self._camera} can be had as H.264 only")
            settings = self._sharing.limit_sizes(smaller, self.h264_transcoders)
            return self._h264_transcoder(settings).hub
        if wants.encode and "h264" in wants.codecs:
            return self._h264_transcoder(wants.settings).hub
        if own in wants.codecs and own != "mjpeg" and not self._is_redrawn:
            return self.packets
        if "mjpeg" in wants.codecs:  # cheaper than to encode H.264
            return self.frames
        if "h264" in wants.codecs:
            return self._h264_transcoder(wants.settings).hub
        raise NotSupported(
            f"{self._camera} gives {own}, and {' and '.join(_MADE_HERE)} can be made of it;"
            f" this takes {', '.join(wants.codecs) or 'nothing'}"
        )

    async def still(self) -> Frame | None:
        """The picture of the newest key frame, decoded for it; None if there is none.

        Raises:
            ValueError: it cannot be decoded.
        """
        if not self.packets.group:
            return None
        keyframe = self.packets.group[0]
        if self._still is None or self._still[0] is not keyframe:
            encoder = self._find_encoder()
            self._still = keyframe, await decode_still(keyframe, encoder, self._make_thread)
        return self._still[1]

    @property
    def _is_redrawn(self) -> bool:
        """True if pictures are changed here, so that the camera's packets are of no use."""
        return self._find_encoder().has_to_draw

    def _h264_transcoder(self, settings: H264Settings | None) -> H264Transcoder:
        """The encoder with these settings; None: that of viewers, or one that they can share."""
        if settings is None:
            settings = self._sharing.choose(self.h264_transcoders, *self._video_for_viewers)
        if settings not in self._by_settings:
            self._by_settings = {each.settings: each for each in self.h264_transcoders}
            self._by_settings[settings] = made = H264Transcoder(
                self._camera,
                self.frames,
                settings,
                self._make_thread,
                self._events,
                self._clock,
                self._monotonic,
                self.find_rate,
            )
            made.on_measured = lambda: self._rate_measured(made)
        self._by_settings[settings].shorten_groups(settings.keyframes)
        return self._by_settings[settings]

    @property
    def _video_for_viewers(self) -> tuple[H264Settings, tuple[int, int], float | None]:
        """The settings of the viewers' encoder, and the size and rate of its pictures."""
        return self.settings, self._video_size, self.find_rate()

    def _rate_measured(self, transcoder: H264Transcoder) -> None:
        if self._sharing.check_rate(transcoder, *self._video_for_viewers):
            self.negotiate()

    @property
    def _video_size(self) -> tuple[int, int]:
        """Width and height of the pictures, as they are shown; (0, 0) before the first."""
        if self._video is None:
            return 0, 0
        size = self._video.width, self._video.height
        is_turned = self.codec == "mjpeg"
        return size if is_turned else self._find_encoder().finished_size(*size)

    def _join(self, subscription: Subscription) -> None:
        hub, sink, wants = subscription.hub, subscription.sink, subscription.wants
        if hub is None:
            return
        if hub.track is not None:
            sink.track_changed(hub.track)
        transcoder = self._transcoder_of(hub)
        if transcoder is not None:
            transcoder.add(sink, wants.every, wants.priority, wants.on_left_out)
        else:
            hub.add(sink, priority=wants.priority)

    def _leave(self, subscription: Subscription, hub: Hub[Any] | None) -> Deferred[None]:
        if hub is None:
            return succeed(None)
        transcoder = self._transcoder_of(hub)
        if transcoder is not None:
            left = transcoder.remove(subscription.sink)
            if not transcoder.is_active:
                self._sharing.forget(transcoder)
            return left
        if subscription.wants.kind == "audio":
            return self.audio.remove(hub, subscription.sink, subscription.wants.every)
        hub.finish_pass()
        hub.remove(subscription.sink)
        return succeed(None)

    def _transcoder_of(self, hub: Hub[Any]) -> H264Transcoder | None:
        return next((each for each in self._by_settings.values() if each.hub is hub), None)

    def _frames_wanted(self, wanted: bool) -> None:
        """Begin or end to make frames of the camera's packets."""
        is_needed = wanted and self.codec not in (None, "mjpeg")
        if is_needed or self._jpeg_transcoder.is_active:
            self._jpeg_transcoder.demand(is_needed)
        self._demand_changed(wanted)

    def _demand_changed(self, _: bool) -> None:
        before, self._is_wanted = self._is_wanted, self.is_wanted
        if self._is_wanted != before:
            self.on_demand(self._is_wanted)
