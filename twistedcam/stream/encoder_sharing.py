"""The choice of an encoder for viewers: their own, or that of a recording or a target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from twistedcam.codecs.h264_encoder import USUAL_RATE, H264Settings, fit_size
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.errors import NotSupported
from twistedcam.stream.h264_transcoder import H264Transcoder

#: The settings of the viewers' encoder if nothing is set.
USUAL_SETTINGS = VideoSettings().encoding
#: The smaller sizes of a camera that are encoded at the same time.
MAX_SIZES = 8
#: A viewers' encoder whose rate is below this part of its limit is taken not to need the limit.
_UNLIMITED_PART = 0.7


class EncoderSharing:
    """Finds the encoder that viewers share.

    That of a recording or a target will do if its picture is not worse than theirs, and its rate
    within their limit, as far as is known.
    """

    def __init__(self) -> None:
        #: Encoders whose rate was too high for viewers.
        self._too_large: set[H264Transcoder] = set()

    def choose(
        self,
        active: Iterable[H264Transcoder],
        own: H264Settings,
        size: tuple[int, int],
        rate: float | None,
    ) -> H264Settings:
        """Return the settings of the encoder for viewers.

        Arguments:
            active: the encoders that are active.
            own: the settings of the viewers' own encoder.
            size, rate: width and height of the camera's pictures, and their number a second.
        """
        active = tuple(active)
        measured = next((each.bitrate for each in active if each.settings == own), None)
        most = own.most_bits(*size, rate or USUAL_RATE)
        for each in active:
            if not self._is_good_enough(each.settings, own) or each in self._too_large:
                continue
            # The rate of the viewers' own encoder shows how much the pictures need.
            if most is None or each.bitrate is not None or (measured or 0) < most * _UNLIMITED_PART:
                return each.settings
        return own

    def smaller(
        self, own: H264Settings, box: tuple[int, int] | None, size: tuple[int, int]
    ) -> H264Settings | None:
        """Return the settings of the encoder of pictures that are scaled down into a box.

        Boxes that make the same size have the same one. None if the pictures are small enough.

        Arguments:
            own: the settings of the viewers' own encoder.
            size: width and height of the camera's pictures; (0, 0) if they are unknown.
        """
        if box is None or (size != (0, 0) and size[0] <= box[0] and size[1] <= box[1]):
            return None
        return replace(own, size=box if size == (0, 0) else fit_size(size, box))

    @staticmethod
    def limit_sizes(wanted: H264Settings, active: Iterable[H264Transcoder]) -> H264Settings:
        """Return the settings of an encoder of smaller pictures, of which there are not too many.

        Viewers choose the sizes. When there are ``MAX_SIZES``, another one is served with the
        largest that fits into it.

        Arguments:
            wanted: the settings that would suit best, with their size.
            active: the encoders that are active.

        Raises:
            NotSupported: none fits.
        """
        found = {each.settings.size: each.settings for each in active if each.settings.size}
        if wanted.size is None or wanted.size in found or len(found) < MAX_SIZES:
            return wanted
        width, height = wanted.size
        fitting = [size for size in found if size and size[0] <= width and size[1] <= height]
        if fitting:
            return found[max(fitting)]
        sizes = ", ".join(f"{size[0]}x{size[1]}" for size in sorted(filter(None, found)))
        raise NotSupported(
            f"the video is encoded in {len(found)} sizes already, and none fits into"
            f" {width}x{height}: {sizes}"
        )

    def check_rate(
        self,
        encoder: H264Transcoder,
        own: H264Settings,
        size: tuple[int, int],
        rate: float | None,
    ) -> bool:
        """Return True if viewers can share an encoder no more: its rate is above their limit."""
        most = own.most_bits(*size, rate or USUAL_RATE)
        if most is None or not self._is_good_enough(encoder.settings, own):
            return False
        if (encoder.bitrate or 0) <= most or encoder in self._too_large:
            return False
        self._too_large.add(encoder)
        return True

    def forget(self, encoder: H264Transcoder) -> None:
        """Forget the rate of an encoder that is not active any more."""
        self._too_large.discard(encoder)

    def _is_good_enough(self, other: H264Settings, own: H264Settings) -> bool:
        if other == own or other.size is not None or other.crf > own.crf:
            return False
        is_as_set = (other.encoder, other.preset) == (own.encoder, own.preset)
        return is_as_set or own == USUAL_SETTINGS
