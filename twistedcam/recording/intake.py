"""Takes a camera's packets for its pre-roll and its recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, succeed

from twistedcam.camera import Camera
from twistedcam.camera.audio_input import MICROPHONE_OPENS
from twistedcam.codecs.h264_encoder import check_size
from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.containers import Format
from twistedcam.recording.preroll import PreRoll
from twistedcam.recording.writer.job import WriteJob
from twistedcam.recording.writer.plan import Plan
from twistedcam.recording.writer.segment import RATE_TOLERANCE
from twistedcam.stream.camera_sound import SoundSink
from twistedcam.stream.hub import PATIENT, Sink
from twistedcam.stream.stream import Subscription
from twistedcam.stream.wants import Wants

#: Microseconds after which the size of a file that has begun is known.
_SIZE_KNOWN_AFTER = 1_000_000
#: Seconds after which the measured rate of a camera is reliable.
_RATE_KNOWN_AFTER = 2.0


class Intake(Sink[Packet]):
    """Keeps a camera's newest packets, and passes packets to a recording."""

    def __init__(self, camera: Camera) -> None:
        #: The newest packets, or None if none are kept.
        self.preroll: PreRoll | None = None
        #: The seconds, bytes and codecs of the pre-roll.
        self._preroll_settings: tuple[Any, ...] = 0.0, 0, (), ()
        self._camera = camera
        #: The subscriptions of the pre-roll.
        self._preroll_video: Subscription | None = None
        self._preroll_sound: Subscription | None = None
        self._recording: _Recording | None = None

    def file_codec(self, format: Format) -> str:
        """FFmpeg's name of the codec in the file that is being written."""
        codec = "mjpeg" if self._recording is None else self._recording.codec
        return "h264" if codec == "mjpeg" and format.codec != "copy" else codec

    def keep(
        self, seconds: float, most_bytes: int, format: Format, has_sound: bool = False
    ) -> None:
        """Keep the newest packets: so many seconds, 0 for none, and so many bytes at most.

        Arguments:
            format: the format in which they would be recorded.
            has_sound: True to keep sound, too.
        """
        sounds = format.container.sounds if has_sound else ()
        kept = seconds, most_bytes, format.wanted, sounds
        if kept == self._preroll_settings:
            return
        self._preroll_settings = kept
        for each in (self._preroll_video, self._preroll_sound):
            if each is not None:
                each.close()
        self.preroll = self._preroll_video = self._preroll_sound = None
        if seconds:
            self.preroll = PreRoll(seconds, most_bytes)
            stream = self._camera.stream
            self._preroll_video = stream.subscribe(self, _wants(format))
            if sounds:
                self._preroll_sound = stream.subscribe(SoundSink(self.take), _wants_sound(sounds))

    def last(self, seconds: float) -> list[Packet]:
        """The packets of the last seconds, as far as they are kept, from a key frame on."""
        if self.preroll is None:
            return []
        if self._preroll_video is not None and self._preroll_video.hub is not None:
            self._preroll_video.hub.catch_up()  # the newest packet belongs to them
        return self.preroll.last(seconds, self._camera.stream.now() or 0)

    def flush_kept(self) -> Deferred[None]:
        """Fires when the pre-roll has the sound that was captured before."""
        sound = self._preroll_sound
        return succeed(None) if sound is None else sound.flush()

    def sound_track(self, format: Format) -> Track | None:
        """The track of the sound that a recording would get now; None if there is none."""
        codecs, stream = self._sound_codecs(format), self._camera.stream
        hub = stream.hub_for(_wants_sound(codecs)) if codecs else None
        if hub is None:
            return None
        return stream.audio.track if hub is stream.sound else hub.track

    def _sound_codecs(self, format: Format) -> tuple[str, ...]:
        """The codecs of sound for a recording: that of the pre-roll, if the file can have it."""
        codecs = format.container.sounds
        kept = None if self._preroll_sound is None else self._preroll_sound.track
        return (kept.codec,) if kept is not None and kept.codec in codecs else codecs

    def first(self, seconds: float, format: Format) -> list[Packet]:
        """The packets with which a recording begins: the pre-roll, or since the last key frame.

        Without the latter, the recording of a camera that encodes would begin with the next one.

        Arguments:
            seconds: length of the pre-roll.
        """
        kept = self.last(seconds)
        if kept and kept[0].track.codec in ("mjpeg", *format.wanted):
            return kept
        hub = self._camera.stream.hub_for(_wants(format))
        packets = self._camera.stream.packets
        if hub is not packets:
            return []
        packets.catch_up()
        group = packets.group
        if group:
            sounds = self._camera.stream.audio.since(group[0].dts, format.container.sounds)
            group = sorted([*group, *sounds], key=lambda each: each.dts)
        return [each.bare() for each in group]

    def begin(
        self,
        job: WriteJob,
        plan: Plan,
        first: Sequence[Packet] = (),
        on_left_out: Callable[[str, bool], None] = lambda reason, is_size: None,
    ) -> None:
        """Pass packets to a write job from now on.

        Frames of JPEG are encoded for it by the encoder that others can share; but those of a
        timelapse, and of the pre-roll, are left to the job.

        Arguments:
            first: the packets until now, which the job has.
            on_left_out: called once for each reason for which pictures cannot be encoded, and with
                True if that is their size.
        """
        sounds = self._sound_codecs(plan.format) if plan.has_sound else ()
        self._recording = _Recording(self._camera, job, plan, first, on_left_out, sounds)

    def flush(self) -> Deferred[None]:
        """Fires when all packets until now have been passed on."""
        return succeed(None) if self._recording is None else self._recording.flush()

    def end(self) -> Deferred[int | None]:
        """Take no more packets; fires when all packets until now have been passed on.

        Fires with the time of the call on the stream's timeline; with None if no packet came.
        """
        recording, self._recording = self._recording, None
        if recording is None:
            return succeed(None)
        return recording.end()

    def take(self, packet: Packet, /) -> None:
        """Keep a packet for the pre-roll (``hub.Sink``)."""
        if self.preroll is not None:
            self.preroll.add(packet.bare())

    def has_encodable_picture(self) -> bool:
        """True if the camera has a picture, of a size that H.264 can encode."""
        newest = self._camera.stream.newest
        try:
            if newest is not None:
                check_size(*newest.size)
        except NotSupported:
            return False
        return newest is not None

    def nominal_rate(self, now: float) -> float | None:
        """The camera's nominal rate in frames a second; None if it is unknown or too low.

        Arguments:
            now: seconds on the camera's clock.
        """
        camera, nominal = self._camera, self._camera.source_info.fps
        is_measured = camera.live_since is not None and now - camera.live_since > _RATE_KNOWN_AFTER
        if is_measured and camera.rate.current(now) > nominal * RATE_TOLERANCE:
            return None
        return nominal if 1 <= nominal <= 120 else None


class _Recording(Sink[Packet]):
    """Passes packets to one write job.

    Arguments:
        first, on_left_out: as for ``Intake.begin``.
        sounds: the codecs of sound that are recorded.
    """

    def __init__(
        self,
        camera: Camera,
        job: WriteJob,
        plan: Plan,
        first: Sequence[Packet],
        on_left_out: Callable[[str, bool], None],
        sounds: tuple[str, ...] = (),
    ) -> None:
        #: The codec of the newest packet.
        self.codec = "mjpeg"
        self._stream = camera.stream
        self._audio = camera.audio
        self._job: WriteJob | None = job
        #: The first pictures, while a microphone is opened: a file has to know its sound from the
        #: beginning. None if they wait for nothing.
        self._early: list[Packet] | None = [] if sounds and not first else None
        self._every = plan.every
        self._due = 0
        #: Microseconds and bytes of a file, where they are limited.
        self._segment = math.ceil((plan.settings.segment or 0) * 1e6)
        self._segment_size = plan.settings.segment_size
        #: The time at which the next file is due, and that of the newest key frame.
        self._next_file = self._last_keyframe = first[0].dts + self._segment if first else 0
        self._on_left_out = on_left_out
        self._reasons: set[str] = set()
        wants = replace(_wants(plan.format), on_left_out=self._leave_out)
        if plan.format.codec != "copy" and plan.every is None:
            wants = replace(wants, codecs=plan.format.wanted, settings=plan.settings.encoding)
        self._sound: Subscription | None = None
        if sounds:
            sink = SoundSink(self._take_sound, job.sound_changed)
            self._sound = self._stream.subscribe(sink, _wants_sound(sounds))
        self._subscription = self._stream.subscribe(self, wants)
        self._needs_keyframe = not first or self._subscription.transcoder is not None
        if first:
            self._plan_file()
        self._missed_before, self._missed = self._subscription.dropped, 0
        job.count_missed = self._count_missed
        # To encode here takes most of the time: a turn of the writing thread for each is cheap.
        job.is_gathering = self._subscription.transcoder is None

    def _count_missed(self) -> int:
        """The number of frames that transcoders left out."""
        if self._subscription.hub is not None:
            self._missed = max(0, self._subscription.dropped - self._missed_before)
        return self._missed

    def end(self) -> Deferred[int | None]:
        """Take no more packets (``Intake.end``)."""
        if self._subscription.hub is not None:
            self._subscription.hub.catch_up()
        self._pass_early()
        at, missed = self._stream.now(), self._count_missed()
        transcoder = self._subscription.transcoder
        before = 0 if transcoder is None else transcoder.dropped

        def ended(_: object) -> int | None:
            self._job = None
            if transcoder is not None:  # it had frames that were captured before
                self._missed = missed + transcoder.dropped - before
            return at

        closed = self._subscription.close()
        if self._sound is not None:
            pictures, sound = closed, self._sound.close()
            closed = pictures.addCallback(lambda _: sound)
        return closed.addCallback(ended)

    def flush(self) -> Deferred[None]:
        """Fires when all packets until now have been passed on (``Intake.flush``)."""
        flushed, sound = self._subscription.flush(), self._sound
        return flushed if sound is None else flushed.addCallback(lambda _: sound.flush())

    def _leave_out(self, reason: str, is_size: bool) -> None:
        """Report why pictures cannot be encoded, once."""
        key = "size" if is_size else reason
        if key not in self._reasons:
            self._reasons.add(key)
            self._on_left_out(reason, is_size)

    def take(self, packet: Packet, /) -> None:
        """Pass a packet on (``hub.Sink``)."""
        if self._job is None:
            return
        is_independent = packet.track.is_independent
        if not is_independent and self._needs_keyframe and not packet.is_keyframe:
            return
        self.codec = packet.track.codec
        if self._every is not None and not (packet.is_keyframe and self._is_due(packet.dts)):
            return
        if self._early is not None:
            self._early.append(packet)
            if self._waits_for_sound():
                self._needs_keyframe = False
                return
            self._early.pop()
            self._pass_early()
        # A packet that refers to one left out is useless: go on with the next key frame.
        self._needs_keyframe = not self._job.offer(packet.bare())
        if not is_independent and (self._needs_keyframe or self._is_file_due(packet)):
            self._subscription.request_keyframe()

    def _waits_for_sound(self) -> bool:
        """True if pictures wait because a microphone is being opened."""
        if not self._early or not self._audio.is_awaited:
            return False
        is_known = self._sound is not None and self._sound.track is not None
        return not is_known and self._early[-1].dts - self._early[0].dts < MICROPHONE_OPENS * 1e6

    def _pass_early(self) -> None:
        """Pass the first pictures on, which have waited for the sound."""
        early, self._early = self._early or [], None
        for each in early:
            if self._job is not None:
                self._job.offer(each.bare())

    def _take_sound(self, packet: Packet) -> None:
        if self._job is not None:
            self._job.offer(packet.bare())

    def _is_file_due(self, packet: Packet) -> bool:
        """True if a new file is due, which has to begin with a key frame."""
        assert self._job is not None
        time, most = packet.dts, self._segment_size
        if packet.is_keyframe:
            self._last_keyframe = time
            if time >= self._next_file:
                self._next_file = time + self._segment
                self._plan_file()
            return False
        if self._segment and time >= self._next_file:
            return True
        # The size of a file that has just begun is not known yet.
        is_known = time - self._last_keyframe > _SIZE_KNOWN_AFTER
        return most is not None and is_known and self._job.progress.file_bytes >= most

    def _plan_file(self) -> None:
        """Have the next file begin in time: an encoder of this program makes a key frame for it."""
        transcoder = self._subscription.transcoder
        if transcoder is not None and self._segment:
            transcoder.plan_keyframe(self._next_file)

    def _is_due(self, time: int) -> bool:
        """True if a timelapse takes the frame of that time."""
        assert self._every is not None
        if time < self._due:
            return False
        step = int(self._every * 1e6)
        late = time - self._due
        self._due = self._due + step if late < step else time + step
        return True


def _wants(format: Format) -> Wants:
    """The packets for a format: those that are written as they are, else JPEG to encode."""
    codecs = tuple(dict.fromkeys((*format.wanted, "mjpeg")))
    return Wants(codecs, every=True, priority=PATIENT)


def _wants_sound(codecs: tuple[str, ...]) -> Wants:
    return Wants(codecs, kind="audio", every=True, priority=PATIENT)
