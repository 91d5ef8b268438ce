"""Packets and pictures of a video track, from the access units that arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from twistedcam.media.nal import SequenceParameters
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.track import VIDEO, Track
from twistedcam.rtsp.payloads.unit import AccessUnit, NalDepacketizer
from twistedcam.sources.base import RawPacket, RawPicture
from twistedcam.sources.rtsp.decode_times import DecodeTimes

#: The highest plausible frame rate, in frames per second.
_MAX_RATE = 1000


@dataclass(frozen=True)
class _Stream:
    """The parameter sets of the stream, and what they say."""

    extradata: bytes
    track: Track
    parameters: SequenceParameters


class VideoPackets:
    """Turns access units of H.264 and H.265 into packets, from the first key frame on.

    After a unit that is missing or broken, those up to the next key frame are left out.

    Arguments:
        depacketizer: makes the units, and knows the parameter sets.
        frame_rate: that the session description promises; 0 if it promises none.
        on_raw: called with each packet.
        on_corrupt: called with the reason of each unit that cannot be used.
    """

    def __init__(
        self,
        depacketizer: NalDepacketizer,
        frame_rate: float,
        on_raw: Callable[[RawPacket | RawPicture], object],
        on_corrupt: Callable[[str], object],
    ) -> None:
        self._depacketizer = depacketizer
        self._codec = NAL_CODECS[depacketizer.codec.name]
        self._frame_rate = frame_rate
        self._on_raw = on_raw
        self._on_corrupt = on_corrupt
        self._stream: _Stream | None = None
        self._is_waiting = True
        #: The order of pictures that was seen, where the parameter sets do not say it.
        self._seen_reorder = 0
        self._decode_times = DecodeTimes(0)

    @property
    def reorder(self) -> int:
        """The number of pictures that are sent before one that is shown earlier."""
        return self._decode_times.reorder

    def track(self) -> Track | None:
        """Return the track by the parameter sets that are known; None if they are not complete."""
        if not self._depacketizer.is_complete:
            return None
        try:
            return self._read_stream().track
        except ValueError:
            return None

    def take(self, unit: AccessUnit, time: float) -> None:
        """Take an access unit.

        Arguments:
            time: of its capture, UNIX seconds.
        """
        if unit.fault:
            self._lose(unit.fault)
            return
        if unit.is_keyframe and not self._begin():
            return
        if self._is_waiting or self._stream is None:
            return
        if unit.is_keyframe:
            self._decode_times.begin_group(time)
        try:
            delay = self._decode_times.delay_of(time)
        except ValueError as error:
            self._seen_reorder = self._decode_times.reorder + 1
            self._lose(str(error))
            return
        track = self._stream.track
        self._on_raw(RawPacket(track, time, unit.data, unit.is_keyframe, round(delay * 1e6)))

    def _begin(self) -> bool:
        """Begin, or go on, with a key frame; return False if it cannot be decoded."""
        before = self._stream
        if not self._depacketizer.is_complete:
            self._lose("a key frame came without parameter sets")
            return False
        if before is None or self._depacketizer.extradata is not before.extradata:
            try:
                self._stream = self._read_stream()
            except ValueError as error:
                self._lose(f"the stream cannot be decoded: {error}")
                return False
        assert self._stream is not None
        reorder = max(self._stream.parameters.max_reorder_frames or 0, self._seen_reorder)
        if self._is_waiting or self._stream is not before or reorder != self.reorder:
            rate = self._stream.track.rate
            self._decode_times.restart(reorder, float(1 / rate) if rate else 0.0)
        self._is_waiting = False
        return True

    def _lose(self, reason: str) -> None:
        self._is_waiting = True
        self._on_corrupt(reason)

    def _read_stream(self) -> _Stream:
        extradata = self._depacketizer.extradata
        parameters = self._codec.sequence_parameters(extradata)
        rate = parameters.rate
        if rate is None or not 0 < rate <= _MAX_RATE:
            nominal = self._frame_rate
            rate = Fraction(nominal).limit_denominator(1001) if 0 < nominal <= _MAX_RATE else None
        track = Track(
            VIDEO,
            "video",
            self._codec.name,
            parameters.width,
            parameters.height,
            rate,
            extradata=extradata,
        )
        if self._stream is not None and self._stream.track == track:
            track = self._stream.track
        return _Stream(extradata, track, parameters)
