"""The registry of sources, which are made from specs.

``make_source(parse("pattern:?fps=10"))`` returns a :class:`~twistedcam.sources.base.Source`, which
a camera reads in a thread of its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module

from twistedcam.errors import BadArgument
from twistedcam.sources.base import ReactorSource, Source
from twistedcam.sources.push import Inbox, PushSource
from twistedcam.sources.spec import Settings, SourceSpec

Maker = Callable[[SourceSpec, Settings], Source | ReactorSource]


def _class_in(module: str, name: str) -> Maker:
    """Return a maker of a source, whose module is imported at its first use."""

    def make(spec: SourceSpec, settings: Settings) -> Source | ReactorSource:
        found = getattr(import_module(f"twistedcam.sources.{module}"), name)
        made: Source | ReactorSource = found.from_settings(spec, settings)
        return made

    return make


_ONVIF = _class_in("onvif.source", "OnvifSource")
_RELAY = _class_in("relay", "RelaySource")
_RTSP = _class_in("rtsp.source", "RtspSource")
_STREAM = _class_in("ffmpeg", "FfmpegSource")
_WEB = _class_in("http", "HttpSource")

#: The maker of each scheme.
SCHEMES: dict[str, Maker] = {
    "auto": _class_in("auto", "AutoSource"),
    "webcam": _class_in("webcam.source", "WebcamSource"),
    "picamera": _class_in("picamera.source", "PicameraSource"),
    "pattern": _class_in("pattern", "PatternSource"),
    "file": _class_in("file", "FileSource"),
    "folder": _class_in("folder", "FolderSource"),
    **dict.fromkeys(("http", "https"), _WEB),
    **dict.fromkeys(("twistedcam", "twistedcams", "twistedcam+unix"), _RELAY),
    **dict.fromkeys(("rtsp", "rtsps"), _RTSP),
    **dict.fromkeys(("onvif", "onvifs"), _ONVIF),
    **dict.fromkeys(("rtmp", "rtmps", "srt", "udp", "rtp", "ffmpeg"), _STREAM),
    "push": PushSource.from_settings,
}


def make_source(spec: SourceSpec, inbox: Inbox | None = None) -> Source | ReactorSource:
    """Return a source that is ready to be opened.

    Arguments:
        inbox: the inbox of a source of the kind ``push:``.

    Raises:
        BadArgument: the scheme, the target or a setting is unknown or wrong.
    """
    source = _make(spec)[0]
    if inbox is not None and isinstance(source, PushSource):
        source.inbox = inbox
    return source


def known_settings(spec: SourceSpec) -> frozenset[str]:
    """Return the names of the settings that the source has.

    Raises:
        BadArgument: as make_source.
    """
    return _make(spec)[1].known


def ranges(spec: SourceSpec) -> dict[str, tuple[float, float]]:
    """Return the range (lowest, highest) of each setting that is a number.

    Raises:
        BadArgument: as make_source.
    """
    return _make(spec)[1].ranges


def read_source_settings(spec: SourceSpec) -> Settings:
    """Return the settings of the source, all of which were read.

    Raises:
        BadArgument: as make_source.
    """
    return _make(spec)[1]


def unknown_scheme(scheme: str) -> BadArgument:
    """Return the error for a scheme that no source has, with the one that may be meant."""
    turned = [each for each in SCHEMES if sorted(each) == sorted(scheme)]  # rstp: for rtsp:
    near = turned or difflib.get_close_matches(scheme, SCHEMES, 1)
    known = ", ".join(f"{each}:" for each in SCHEMES)
    hint = f"did you mean {near[0]}:?" if near else f"use one of {known}"
    return BadArgument(f"there is no source {scheme!r}: {hint}")


def _make(spec: SourceSpec) -> tuple[Source | ReactorSource, Settings]:
    settings = Settings(spec)
    maker = SCHEMES.get(spec.scheme)
    if maker is None:
        raise unknown_scheme(spec.scheme)
    source = maker(spec, settings)
    settings.refuse_unknown()
    return source, settings
