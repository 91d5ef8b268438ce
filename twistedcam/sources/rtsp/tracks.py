"""The tracks that are received from a camera: their packets with times of capture."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from fractions import Fraction

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import CameraFailed
from twistedcam.media.track import AUDIO, Track
from twistedcam.rtsp.formats import TrackFormat, format_of
from twistedcam.rtsp.payloads.unit import AccessUnit, NalDepacketizer
from twistedcam.rtsp.sdp import MediaDescription, SessionDescription
from twistedcam.sources.base import RawPacket, RawPicture
from twistedcam.sources.rtsp.capture_clock import CameraClock, CaptureClock
from twistedcam.sources.rtsp.track_receiver import TrackReceiver
from twistedcam.sources.rtsp.video_packets import VideoPackets

#: The formats of video that can be received, for messages.
_VIDEO_FORMATS = "H.264, H.265 or Motion JPEG"
#: Units of sound in a row after which the sound is of no use.
_BAD_SOUNDS = 25
#: Payload types that say by themselves what they are (RFC 3551, section 6).
_STATIC_SOUND = {0: "G.711 (PCMU)", 8: "G.711 (PCMA)"}


class ReceivedTrack:
    """One track: from its packets to what the camera gets.

    Arguments:
        media, form: the track, and the format of its packets.
        camera_clock: of the camera, shared by its tracks.
        clock: a monotonic clock.
        on_raw: called with each packet or picture.
        on_corrupt: called with the reason of each unit of video that cannot be used.
        on_sound_fault: called with the reason when none of the sound can be used.
        on_end: called when the camera says that the track has ended.
    """

    def __init__(
        self,
        media: MediaDescription,
        form: TrackFormat,
        camera_clock: CameraClock,
        clock: IReactorTime,
        on_raw: Callable[[RawPicture | RawPacket], object],
        on_corrupt: Callable[[str], object],
        on_end: Callable[[], object],
        on_sound_fault: Callable[[str], object] = lambda reason: None,
    ) -> None:
        self.media = media
        self.form = form
        self._now = clock.seconds
        self._on_raw = on_raw
        self._on_corrupt = on_corrupt
        self._on_sound_fault = on_sound_fault
        #: Units of sound in a row that could not be used.
        self._bad_sounds = 0
        self._clock = CaptureClock(form.clock_rate, camera_clock)
        take = {"h264": self._take_video, "hevc": self._take_video, "mjpeg": self._take_picture}
        self.receiver = TrackReceiver(
            form,
            secrets.randbits(32),
            "twistedcam",
            self._now,
            take.get(form.codec, self._take_sound),
            self._clock.note_report,
            on_end,
        )
        #: When the last unit arrived, whole or broken; seconds of the clock.
        self.last_arrival = self._now()
        self._video: VideoPackets | None = None
        self._sound: Track | None = None
        depacketizer = self.receiver.depacketizer
        if isinstance(depacketizer, NalDepacketizer):
            self._video = VideoPackets(depacketizer, media.frame_rate, on_raw, on_corrupt)
        elif media.kind == "audio":
            rate = Fraction(form.rate)
            self._sound = Track(
                *(AUDIO, "audio", form.codec, 0, 0, rate, form.channels, form.extradata)
            )

    @property
    def track(self) -> Track | None:
        """The track as far as the description says it."""
        return self._sound if self._video is None else self._video.track()

    def _take_video(self, unit: AccessUnit) -> None:
        video = self._video
        assert video is not None
        captured = self._captured(unit)
        video.take(unit, captured)
        self._clock.reorder = video.reorder

    def _take_picture(self, unit: AccessUnit) -> None:
        captured = self._captured(unit)
        if unit.fault:
            self._on_corrupt(unit.fault)
        else:
            self._on_raw(RawPicture(captured, jpeg=unit.data))

    def _take_sound(self, unit: AccessUnit) -> None:
        captured = self._captured(unit)
        assert self._sound is not None
        if not unit.fault:
            self._bad_sounds = 0
            self._on_raw(RawPacket(self._sound, captured, unit.data))
            return
        self._bad_sounds += 1
        if self._bad_sounds == _BAD_SOUNDS:
            kind = self.receiver.payload_type
            really = f", and sends {_STATIC_SOUND[kind]}" if kind in _STATIC_SOUND else ""
            self._on_sound_fault(
                f"its sound cannot be used: it says that it sends {self._sound.codec}{really}"
                f" ({unit.fault})"
            )

    def _captured(self, unit: AccessUnit) -> float:
        """The time of capture of a unit that has arrived."""
        self.last_arrival = now = self._now()
        if unit.fault:  # its time may be broken, too
            return 0.0
        return self._clock.time_of(unit.timestamp, now, time.time() - now)


def choose_media(
    session: SessionDescription, name: str
) -> tuple[list[tuple[MediaDescription, TrackFormat]], str]:
    """Return the first track of video and of sound, and why the sound cannot be received, or "".

    Arguments:
        name: of the camera, in messages.

    Raises:
        CameraFailed: there is no video, or none that can be received.
    """
    chosen: dict[str, tuple[MediaDescription, TrackFormat]] = {}
    unknown: dict[str, list[str]] = {"video": [], "audio": []}
    for media in session.media:
        if media.kind not in unknown or not media.is_offered or media.kind in chosen:
            continue
        form = format_of(media)
        if form is not None:
            chosen[media.kind] = (media, form)
        else:
            names = [each.encoding for each in media.formats]
            unknown[media.kind] += names or ["an unknown format"]
    if "video" not in chosen:
        if not unknown["video"]:
            raise CameraFailed(f"{name} has no video")
        raise CameraFailed(
            f"{name} sends {', '.join(unknown['video'])}, which cannot be received: set the camera "
            f"to {_VIDEO_FORMATS}, or add #reader=ffmpeg to its address"
        )
    fault = ""
    if unknown["audio"] and "audio" not in chosen:
        fault = f"its sound ({', '.join(unknown['audio'])}) cannot be received"
    return [chosen[kind] for kind in ("video", "audio") if kind in chosen], fault
