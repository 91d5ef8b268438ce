"""Formats of recordings: a codec in a container."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from twistedcam.errors import BadArgument

Codec = Literal["auto", "h264", "copy"]

#: Milliseconds for which a muxer holds pictures back at most.
FLUSH_MS = 400
#: MP4 and MOV: fragments while the file is written, one index for all of it at its end.
_FRAGMENTS = {"movflags": "hybrid_fragmented+empty_moov+default_base_moof"}
#: A single fragment with its pictures' times as they are.
_FRAGMENT = {
    "movflags": "frag_custom+frag_discont+skip_trailer+empty_moov+default_base_moof",
    "avoid_negative_ts": "disabled",
}
_CLUSTERS = {"write_crc32": "0"}


@dataclass(frozen=True)
class Container:
    """A container format.

    Arguments:
        suffix: ending of the files' names.
        muxer: FFmpeg's name of it.
        time_base: seconds of a step of its clock.
        options: muxer options that make an unfinished file readable.
        codecs: codecs of the formats that it is used for; the first is the default.
        holds: codecs of cameras that it can hold as they are, the best first.
        sounds: codecs of sound in it, the first of which is made of others; none: it has no sound.
        flush: the muxer option for the time that pictures are held back, and its units a
            millisecond; None if none are held back.
        tail: muxer options for pictures behind an unfinished file (``PendingTail``).
    """

    suffix: str
    muxer: str
    time_base: Fraction
    options: dict[str, str]
    codecs: tuple[Codec, ...]
    holds: tuple[str, ...]
    sounds: tuple[str, ...] = ()
    flush: tuple[str, int] | None = None
    tail: dict[str, str] = field(default_factory=dict)

    @property
    def is_fragmented(self) -> bool:
        """True for MP4 and MOV, whose fragments can be written without FFmpeg."""
        return self.flush == _FRAGMENT_TIME

    def writing(self, pace: float) -> dict[str, str]:
        """The muxer options for a file of which ``pace`` seconds are played in one second."""
        if self.flush is None:
            return self.options
        name, steps = self.flush
        return {**self.options, name: str(max(1, round(FLUSH_MS * steps / max(pace, 1.0))))}


_TIME, _FRAGMENT_TIME = ("cluster_time_limit", 1), ("frag_duration", 1000)
_FINE, _MILLI = Fraction(1, 90_000), Fraction(1, 1000)
_VIDEO = ("h264", "hevc")
#: Not all players of MP4 play other sound in it.
_AAC = ("aac",)
_SOUNDS = ("opus", "aac")
_ALL = ("mjpeg", *_VIDEO)
#: AVI has equal steps and no time stamps; these are fine enough for 60 frames a second.
_ENCODED: tuple[Codec, ...] = ("auto", "h264")
_EITHER: tuple[Codec, ...] = ("copy", *_ENCODED)
_CONTAINERS = (
    Container(".mp4", "mp4", _FINE, _FRAGMENTS, _ENCODED, _VIDEO, _AAC, _FRAGMENT_TIME, _FRAGMENT),
    Container(".mkv", "matroska", _MILLI, _CLUSTERS, _EITHER, _ALL, _SOUNDS, _TIME, _CLUSTERS),
    Container(".avi", "avi", Fraction(1, 120), {}, ("copy",), ("mjpeg",)),
    Container(".mov", "mov", _FINE, _FRAGMENTS, _EITHER, _ALL, _AAC, _FRAGMENT_TIME, _FRAGMENT),
)
CONTAINERS = {each.suffix: each for each in _CONTAINERS}
SUFFIXES = tuple(CONTAINERS)


@dataclass(frozen=True)
class Format:
    """A codec in a container.

    Arguments:
        codec: ``copy`` for what the camera gives; ``h264``, encoded here unless the camera does;
            ``auto`` for H.264 or H.265 of the camera, and else as ``h264``.
    """

    codec: Codec
    container: Container

    @property
    def wanted(self) -> tuple[str, ...]:
        """The codecs of packets that are written as they are, the best first."""
        if self.codec == "h264":
            return ("h264",)
        wanted = _VIDEO if self.codec == "auto" else _ALL
        return tuple(each for each in wanted if each in self.container.holds)

    def __str__(self) -> str:
        return f"{self.codec}{self.container.suffix}"


#: Formats by their names in a configuration and on the command line.
FORMATS: dict[str, Format] = {
    "auto": Format("auto", CONTAINERS[".mp4"]),
    "h264": Format("h264", CONTAINERS[".mp4"]),
    "copy": Format("copy", CONTAINERS[".mkv"]),
    **{
        f"{codec}{each.suffix}": Format(codec, each)
        for each in CONTAINERS.values()
        for codec in each.codecs
    },
    **{suffix[1:]: Format(each.codecs[0], each) for suffix, each in CONTAINERS.items()},
}


def parse_format(text: str, label: str = "format") -> Format:
    """The format of that name.

    Raises:
        BadArgument: there is none.
    """
    found = FORMATS.get(text.lower())
    if found is None:
        raise BadArgument(f"{label}={text!r} is unknown; use one of: " + ", ".join(FORMATS))
    return found


def format_of_name(name: str, preferred: Format | None) -> Format:
    """The format of a recording of that name.

    The ending selects the container. The codec is the preferred one if the container can hold it,
    else the container's default.
    """
    container = CONTAINERS[Path(name).suffix.lower()]
    if preferred is not None and preferred.codec in container.codecs:
        return Format(preferred.codec, container)
    return Format(container.codecs[0], container)
