"""A placeholder as video in the codec of a track."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from twistedcam.codecs.still_encoder import encode_still
from twistedcam.media.jpeg import read_header
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.media.track import VIDEO, Track
from twistedcam.runtime.threads import Thread, run_in_thread

#: Seconds that a group of pictures lasts; of JPEG, one picture.
GROUP_PERIOD = 1.0


class StillPicture(NamedTuple):
    """One picture of the video, as a packet of the track has it."""

    track: Track
    data: bytes
    is_keyframe: bool


class StillVideo:
    """The video that shows the newest placeholder, with a key frame each second.

    Between the key frames of H.264 and H.265 come pictures that say only that nothing has changed:
    players that decode in several threads show a picture when up to nine more have come. One a
    second would be shown after some seconds, and by VLC, which leaves late ones out, never.

    Arguments:
        make_thread: makes the thread that encodes.
    """

    def __init__(self, make_thread: Callable[[], Thread]) -> None:
        self._make_thread = make_thread
        self._jpeg = b""
        self._units: list[bytes] = []
        self._track: Track | None = None
        #: The number of the next picture in its group.
        self._next = 0

    @property
    def period(self) -> float:
        """Seconds from one picture to the next."""
        return GROUP_PERIOD / max(1, len(self._units))

    async def show(self, jpeg: bytes, codec: str) -> None:
        """Show a placeholder from now on, if it is not the one that is shown already.

        Raises:
            NotSupported: as of encode_still.
        """
        if jpeg == self._jpeg and self._track is not None and self._track.codec == codec:
            return
        width, height = read_header(jpeg).size
        if codec == "mjpeg":
            units, track = [jpeg], Track(VIDEO, "video", codec, width, height)
        else:
            units = await run_in_thread(self._make_thread, lambda: encode_still(jpeg, codec))
            rate = Fraction(len(units)) / Fraction(GROUP_PERIOD)
            extradata = NAL_CODECS[codec].parameter_sets(units[0])
            track = Track(VIDEO, "video", codec, width, height, rate, extradata=extradata)
        self._jpeg, self._units, self._track, self._next = jpeg, units, track, 0

    def begin_group(self) -> None:
        """Continue with a key frame: other pictures were sent."""
        self._next = 0

    def next_picture(self) -> StillPicture:
        """Return the next picture of what is shown."""
        assert self._track is not None
        number, self._next = self._next, (self._next + 1) % len(self._units)
        return StillPicture(self._track, self._units[number], number == 0)
