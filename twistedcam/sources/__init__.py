"""Where pictures come from: one module for each kind of camera.

``open_source("pattern:?fps=10")`` gives a :class:`Source`, which a camera reads in a thread of
its own.
"""

from __future__ import annotations

from collections.abc import Callable

from twistedcam.errors import BadArgument
from twistedcam.sources.base import Grab, Granted, Source
from twistedcam.sources.push import Inbox, PushSource
from twistedcam.sources.spec import Settings, SourceSpec, parse

__all__ = [
    "SCHEMES",
    "Grab",
    "Granted",
    "Inbox",
    "Source",
    "SourceSpec",
    "known_settings",
    "make_source",
    "parse",
]


def _auto(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.auto import AutoSource

    return AutoSource.from_settings(spec, settings)


def _webcam(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.webcam import WebcamSource

    return WebcamSource.from_settings(spec, settings)


def _pattern(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.pattern import PatternSource

    return PatternSource.from_settings(spec, settings)


def _file(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.file import FileSource

    return FileSource.from_settings(spec, settings)


def _folder(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.folder import FolderSource

    return FolderSource.from_settings(spec, settings)


def _web(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.web import WebSource

    return WebSource.from_settings(spec, settings)


def _stream(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.stream import StreamSource

    return StreamSource.from_settings(spec, settings)


def _relay(spec: SourceSpec, settings: Settings) -> Source:
    from twistedcam.sources.relay import RelaySource

    return RelaySource.from_settings(spec, settings)


def _push(spec: SourceSpec, settings: Settings) -> Source:
    return PushSource.from_settings(spec, settings)


#: Scheme to maker. The modules are imported when first asked for: not every program needs all.
SCHEMES: dict[str, Callable[[SourceSpec, Settings], Source]] = {
    "auto": _auto,
    "webcam": _webcam,
    "pattern": _pattern,
    "file": _file,
    "folder": _folder,
    "http": _web,
    "https": _web,
    **dict.fromkeys(("twistedcam", "twistedcams", "twistedcam+unix"), _relay),
    **dict.fromkeys(("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp", "ffmpeg"), _stream),
    "push": _push,
}


def make_source(spec: SourceSpec, inbox: Inbox | None = None) -> Source:
    """A source that is ready to be opened.

    Arguments:
        inbox: where pictures for it are left, if it is of the kind that has them brought.

    Raises:
        BadArgument: the scheme, the target or a setting is not one that there is.
    """
    source = _make(spec)[0]
    if inbox is not None and isinstance(source, PushSource):
        source.inbox = inbox
    return source


def known_settings(spec: SourceSpec) -> frozenset[str]:
    """The settings that such a source has.

    Raises:
        BadArgument: as make_source.
    """
    return _make(spec)[1].known


def _make(spec: SourceSpec) -> tuple[Source, Settings]:
    settings = Settings(spec)
    maker = SCHEMES.get(spec.scheme)
    if maker is None:
        known = ", ".join(f"{scheme}:" for scheme in SCHEMES)
        raise BadArgument(f"there is no source {spec.scheme!r}: use one of {known}")
    source = maker(spec, settings)
    settings.refuse_unknown()
    return source, settings
