"""Settings of the video for a camera's viewers, and how they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct

from twistedcam.codecs.h264_encoder import BITS_PER_PIXEL, ENCODERS, H264Settings
from twistedcam.errors import BadArgument
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import COMMON, SourceSpec, parse
from twistedcam.util import quantities
from twistedcam.util.schema import Option, Read, read_settings, settings_of, split_words

#: x264's presets that suit a live camera, fastest first.
Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]
#: The least and the largest ``bitrate``, in bits a second.
MIN_BITRATE, MAX_BITRATE = 10_000, 1_000_000_000


def _bitrate(value: Any, name: str) -> int | str:
    if value in ("auto", "off"):
        return str(value)
    try:
        found = quantities.bitrate(value, name)
    except BadArgument as error:
        raise BadArgument(f"{error}, or auto, or off") from None
    if not MIN_BITRATE <= found <= MAX_BITRATE:
        raise BadArgument(f"{name}={value!r} is not between 10k and 1000M")
    return found


def _encoder(value: str, name: str) -> str:
    if value not in ENCODERS:
        raise BadArgument(f"{name}={value!r} is unknown; use one of: {', '.join(ENCODERS)}")
    return value


#: An encoder of H.264, as an option.
Encoder = Annotated[
    str,
    Read(_encoder, kind="choice", choices=ENCODERS),
    Option("the encoder; `auto`: the first in hardware that works", "scale.md"),
]


def _substream(text: str, name: str) -> SourceSpec | str:
    if text in ("auto", "off"):
        return text
    spec = parse(text)
    for each in sorted(COMMON & spec.settings.keys()):
        raise BadArgument(f"{name} has no setting {each!r}: that of the camera counts")
    if spec.scheme == "push":
        raise BadArgument(f"{name}={text}: clients cannot push a smaller stream")
    make_source(spec)
    return spec


class VideoSettings(Struct, frozen=True):
    """Settings of the video for viewers: of the encoder of H.264, and of a smaller stream.

    Arguments:
        bitrate: bits a second at most; ``auto``: by size and rate; ``off``: no limit.
        preset: x264's preset; slower ones need fewer bits.
        encoder: the encoder; ``auto`` for the first in hardware that works.
        substream: the source of a smaller stream of the same camera, for small pictures; ``auto``:
            found by ONVIF; ``off``: none.
    """

    bitrate: Annotated[
        int | str,
        Read(_bitrate, given=Any, kind="bitrate"),
        Option(
            "bits a second at most; `auto`: by size and rate, `off`: no limit",
            "delivery.md#h264-that-is-encoded-here",
            unit="bit/s",
            example="2M",
        ),
    ] = "auto"
    preset: Annotated[Preset, Option("speed of the encoder; a slower one needs fewer bits")] = (
        "ultrafast"
    )
    encoder: Encoder = "libx264"
    substream: Annotated[
        SourceSpec | str,
        Read(_substream, kind="source"),
        Option(
            "a smaller stream of the same camera, for small pictures such as those of the wall; "
            "`auto`: found by ONVIF, `off`: none",
            "network-cameras.md#smaller-streams-for-small-pictures",
            example="rtsp://HOST/substream",
        ),
    ] = "auto"

    @property
    def encoding(self) -> H264Settings:
        """The same for an encoder."""
        bitrate = None if isinstance(self.bitrate, str) else self.bitrate
        bits_per_pixel = BITS_PER_PIXEL if self.bitrate == "auto" else None
        return H264Settings(
            self.encoder, preset=self.preset, bitrate=bitrate, bits_per_pixel=bits_per_pixel
        )

    @classmethod
    def from_words(cls, words: Iterable[str], base: VideoSettings | None = None) -> VideoSettings:
        """Settings from ``NAME=VALUE`` words; others are as in ``base``.

        Raises:
            BadArgument: there is no such setting, or its value is invalid.
        """
        table = split_words(words, "bitrate=2M")
        return msgspec.structs.replace(base or cls(), **read_video(table))


def read_video(table: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return the values of a table by the fields of VideoSettings.

    Arguments:
        where: what its keys begin with in errors.

    Raises:
        BadArgument: there is no such setting, or its value is invalid.
    """
    return read_settings(settings_of(VideoSettings), table, where, "video setting")
