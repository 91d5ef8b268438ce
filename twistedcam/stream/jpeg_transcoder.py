"""The JPEG frames of a camera that encodes video, made while somebody wants them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.video_decoder import DecodedPicture, VideoDecoder
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.sources.base import RawPicture
from twistedcam.sources.container import upright
from twistedcam.stream.hub import FrameHub, GroupHub
from twistedcam.stream.transcoder import Transcoder

log = Logger()

#: Seconds by which a picture may be older than the youngest ones before it is passed over.
_MAX_LATENESS = 0.3
#: Seconds after which a picture is shown however late it is: the camera's clock may have changed.
MAX_LATE_TIME = 1.0


class _Result(NamedTuple):
    frame: Frame | None
    #: The reason why packets could not be decoded, or None.
    reason: str | None
    #: The number of pictures that were decoded and not encoded.
    skipped: int = 0


class JpegTranscoder(Transcoder[Packet]):
    """Decodes a camera's packets and encodes the pictures as JPEG, while the hub has sinks.

    When it is behind, it begins with the newest key frame, and encodes the newest picture only.

    Arguments:
        source: the hub of the camera's packets.
        frames: receives the frames.
        find_encoder: returns the camera's encoder of JPEG.
        make_thread: makes the thread.
        monotonic: returns the seconds of a monotonic clock.
        wall: returns the seconds since the UNIX epoch.
    """

    def __init__(
        self,
        source: GroupHub,
        frames: FrameHub,
        find_encoder: Callable[[], JpegEncoder],
        make_thread: Callable[[], Thread],
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, make_thread)
        self._group_source = source
        self._frames = frames
        self._find_encoder = find_encoder
        self._monotonic = monotonic
        self._wall = wall
        self._decoder = VideoDecoder()
        self._waiting: list[Packet] = []
        #: Seconds from capture to arrival of the youngest pictures; None before the first.
        self._least_age: float | None = None
        #: The time since when all pictures were late, or None.
        self._late_since: float | None = None

    def take(self, packet: Packet, /) -> None:
        """Decode a new packet (hub.Sink)."""
        self._waiting.append(packet)
        self._pump()

    def on_cleared(self) -> None:
        """Forget the newest frame: the camera is not live (hub.Sink)."""
        self._waiting.clear()
        self._least_age = self._late_since = None
        self._frames.clear()

    def _begin(self) -> None:
        self._waiting = list(self._group_source.group)

    def _end(self) -> None:
        self._waiting.clear()
        self._least_age = self._late_since = None
        self._frames.clear()

    def _pump(self) -> None:
        if self._is_busy or self._thread is None or not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        newest = max((at for at, each in enumerate(batch) if each.is_keyframe), default=0)
        self.dropped += newest
        encoder = self._find_encoder()
        is_shown = self._is_fresh(batch[-1])
        self._work(
            lambda: self._transcode(batch[newest:], encoder, is_shown),
            lambda made: self._made(made, encoder),
        )

    def _is_fresh(self, packet: Packet) -> bool:
        """True unless the picture is old: it was held up on its way, as after a pause."""
        age = self._wall() - packet.time
        least, now = self._least_age, self._monotonic()
        self._least_age = age if least is None else min(age, least + 0.001)
        if age <= self._least_age + _MAX_LATENESS:
            self._late_since = None
            return True
        if self._late_since is None:
            self._late_since = now
        if now - self._late_since < MAX_LATE_TIME:
            return False
        self._least_age, self._late_since = age, None
        return True

    def _transcode(self, batch: list[Packet], encoder: JpegEncoder, is_shown: bool) -> _Result:
        """Decode packets, and encode the newest picture; called on the thread."""
        try:
            pictures = self._decoder.decode(batch)
            if not pictures or not is_shown:
                return _Result(None, None, len(pictures))
            return _Result(_encode(pictures[-1], encoder), None, len(pictures) - 1)
        except ValueError as error:
            return _Result(None, str(error))

    def _made(self, made: _Result, encoder: JpegEncoder) -> None:
        self.dropped += made.skipped
        if made.reason is not None:
            self.dropped += 1
            self._frames.on_undecodable(made.reason)
        elif encoder is not self._find_encoder():
            self.dropped += 1  # it may show what is hidden now
        elif made.frame is not None and self.is_active and self._source.newest is not None:
            self._frames.on_transcoded()
            self._frames.publish(made.frame)

    def _failed(self, why: Failure) -> None:
        self.dropped += 1
        self._decoder.reset()
        self._frames.on_undecodable(why.getErrorMessage())

    def _release(self) -> None:
        super()._release()
        self._decoder.reset()


def decode_still(
    keyframe: Packet, encoder: JpegEncoder, make_thread: Callable[[], Thread]
) -> Deferred[Frame]:
    """Decode one key frame on a thread of its own.

    Fails with ValueError if it cannot be decoded.
    """

    def decode() -> Frame:
        decoder = VideoDecoder()
        pictures = decoder.decode([keyframe]) or decoder.flush()
        if not pictures:
            raise ValueError("the key frame has no picture")
        return _encode(pictures[-1], encoder)

    return run_in_thread(make_thread, decode)


def _encode(decoded: DecodedPicture, encoder: JpegEncoder) -> Frame:
    packet = decoded.packet
    raw = RawPicture(packet.time, image=upright(decoded.picture))
    picture = encoder.finish(raw)
    frame = Frame(decoded.seq, packet.time_us, picture.width, picture.height, picture.jpeg)
    frame.pts = frame.dts = packet.pts
    return frame
