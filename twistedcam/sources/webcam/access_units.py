"""Packets of H.264 and H.265 from the buffers of a webcam that encodes."""

from __future__ import annotations

from fractions import Fraction

from twistedcam.media.nal import START_CODE, NalCodec, join_units, split_units
from twistedcam.media.track import VIDEO, Track
from twistedcam.sources.base import RawPacket


class AccessUnitReader:
    """Makes a packet of each access unit, from the first key frame on.

    A driver delivers one access unit in each buffer, in Annex B (V4L2_PIX_FMT_H264). Parameter sets
    come with each key frame, or once at the beginning, in a buffer of their own or not.

    Arguments:
        codec: the codec.
        fps: frames per second; 0 if unknown.
    """

    def __init__(self, codec: NalCodec, fps: float) -> None:
        self._codec = codec
        self._rate = Fraction(fps).limit_denominator(1001) if fps > 0 else None
        self._track: Track | None = None
        self._is_waiting = True

    def lose(self) -> None:
        """Leave out all access units up to the next key frame: one was lost."""
        self._is_waiting = True

    def read(self, data: bytes, time: float) -> RawPacket | None:
        """Return the packet of a buffer; None if it has none that can be decoded.

        Arguments:
            data: the contents of the buffer.
            time: time of capture, UNIX seconds.

        Raises:
            ValueError: the data cannot be used; the message says why.
        """
        size, data = len(data), _with_long_start_codes(data)
        kinds = {kind for kind, _ in self._codec.head_types(data)}
        if not kinds:
            raise ValueError(f"{size} bytes from the driver without a unit of video")
        if self._codec.has_parameter_sets(data):
            self._follow(self._codec.parameter_sets(data))
        if not kinds & self._codec.slice_types:
            return None
        is_keyframe = self._codec.is_keyframe(data)
        if is_keyframe:
            if self._track is None:
                raise ValueError("a key frame came without parameter sets")
            data = self._codec.with_parameter_sets(data, self._track.extradata)
            self._is_waiting = False
        if self._is_waiting or self._track is None:
            return None
        return RawPacket(self._track, time, data, is_keyframe)

    def _follow(self, sets: bytes) -> None:
        """Describe the track by the parameter sets, if they are others than before."""
        if self._track is not None and self._track.extradata == sets:
            return
        parsed = self._codec.sequence_parameters(sets)
        self._track = Track(
            VIDEO,
            "video",
            self._codec.name,
            parsed.width,
            parsed.height,
            self._rate,
            extradata=sets,
        )
        self._is_waiting = True


def _with_long_start_codes(data: bytes) -> bytes:
    """Return an access unit with start codes of four bytes."""
    if data.startswith(START_CODE) and data.count(START_CODE) == data.count(START_CODE[1:]):
        return data
    return join_units(split_units(data))
