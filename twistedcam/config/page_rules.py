"""Rules for changes of the configuration that are made in the page.

A browser that is logged in with the right ``admin`` may change cameras, and nothing with which a
program could be run, a file be read or written anywhere, or the server be opened to everybody. Such
things are for those who can write the file itself.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from twistedcam.config.interfaces import PORTS, is_open, is_switch
from twistedcam.config.options import OPTIONS, GivenOptions, ServeOptions
from twistedcam.config.places import check_place
from twistedcam.config.toml_file import FILE_OPTIONS, ConfigContents
from twistedcam.errors import BadArgument, Forbidden
from twistedcam.publishing.target import PublishTarget
from twistedcam.sources.registry import SCHEMES, unknown_scheme
from twistedcam.sources.spec import SourceSpec, parse

#: The options that may change, by their attributes. New ones are closed by default.
OPEN_OPTIONS = frozenset(
    {
        "stopped",
        "keys",
        "log_level",
        "log_json",
        "record_format",
        "workers",
        "discovery",
        "push_contact",
        "max_connections",
        "max_per_address",
        "max_unjoined",
        "max_snapshots",
    }
)
#: Options that may change within limits, by their keys.
LIMITED_OPTIONS = frozenset({"recordings", "tokens", *PORTS})
#: The options that a form may change, by their attributes.
FORM_OPTIONS = OPEN_OPTIONS | {"recordings"}
#: Schemes of sources that a camera may get: none opens a file, and ``ffmpeg:`` may.
OPEN_SCHEMES = frozenset(
    {
        "auto",
        "webcam",
        "picamera",
        "pattern",
        "push",
        "http",
        "https",
        "rtsp",
        "rtsps",
        "onvif",
        "onvifs",
    }
    | {"rtmp", "rtmps", "srt", "udp", "rtp", "twistedcam", "twistedcams"}
)
#: Schemes of files, which may be in the recordings folder.
_FILE_SCHEMES = frozenset({"file", "folder"})
#: The tables with a smaller stream of a camera, and the key of its source in them.
_STREAMS = (("motion", "source"), ("video", "substream"))
#: Settings of sources that name files.
_FILE_SETTINGS = frozenset({"cafile", "ca", "cert", "key"})
#: The name of the file of tokens that the page makes.
TOKENS = "tokens.toml"
NO_PASSWORD = (
    "the server is not opened to the network without a password: set one first, otherwise "
    "everybody in the network could see the cameras and change them"
)
#: Microphones: ALSA has devices that write files or run programs.
_SOUND = re.compile(r"|auto|off|alsa:default|pulse:[\w.-]{1,200}", re.ASCII)
_WEBCAM = re.compile(
    r"|\d{1,3}|/dev/video\d{1,3}|/dev/v4l/by-(id|path)/(?!\.{1,2}$)[^/]{1,255}", re.ASCII
)


def check_text(before: Mapping[str, Any], after: Mapping[str, Any], recordings: Path) -> None:
    """Check the contents of a changed file before anything in it is read.

    Reading opens files that it names, and the errors would tell who may not read them what there
    is.

    Arguments and errors as ``check_change``; ``before`` and ``after`` are the contents of TOML.
    """
    for key, each in FILE_OPTIONS.items():
        if each.name in OPEN_OPTIONS or key in LIMITED_OPTIONS or key == "process":
            continue
        if before.get(key) != after.get(key):
            raise closed(key)
    if before.get("hook") != after.get("hook"):
        raise closed("hook")
    known, targets = _texts(before)
    new, new_targets = _texts(after)
    for text in new - known:
        with contextlib.suppress(BadArgument):
            spec = parse(text)
            if spec.scheme in _FILE_SCHEMES:
                check_source(spec, map(parse, known), recordings)
    for text in new_targets - targets:
        if "ca" in dict(parse_qsl(text.partition("#")[2])):
            raise closed("ca")


def _texts(document: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the texts of all sources, and those of all publish targets."""
    cameras = document.get("camera")
    tables = [each for each in _values(cameras) if isinstance(each, dict)]
    sources = [each.get("source") for each in tables]
    for table in (document, *tables):
        for name, key in _STREAMS:
            inner = table.get(name)
            sources.append(inner.get(key) if isinstance(inner, dict) else None)
    targets = [one for each in tables for one in _values(each.get("publish"))]
    return {each for each in sources if isinstance(each, str)}, {
        each for each in targets if isinstance(each, str)
    }


def _values(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return [*found.values()]
    return found if isinstance(found, list) else [found]


def check_change(
    before: ConfigContents,
    after: ConfigContents,
    recordings: Path,
    others: Iterable[SourceSpec] = (),
    options: ServeOptions | None = None,
) -> None:
    """Check that the page may make a change.

    The contents of the file are compared, and not the options that result from it and the command
    line: an option that the command line overrides now can come into effect at the next start.

    Arguments:
        before: the contents of the file as it is.
        after: those of the changed file.
        recordings: the folder whose files the page may use.
        others: sources that a camera may have because others have them already.
        options: those that result from the changed file. Without them, the folder of the
            recordings, the tokens and the ports may not change.

    Raises:
        Forbidden: only the file itself may be changed in this way.
    """
    old, new = _options(before), _options(after)
    for each in OPTIONS.values():
        if each.name in OPEN_OPTIONS or each.name == "process":
            continue
        if getattr(old, each.name) == getattr(new, each.name):
            continue
        if options is None:
            raise closed(each.key)
        _check_option(each.key, old, new, options)
    if before.options.get("hook", []) != after.options.get("hook", []):
        raise closed("hook")
    if not _processes(after) <= _processes(before):
        raise closed("process")
    known = [*_sources(before), *others]
    for spec in _sources(after):
        if spec not in known:
            check_source(spec, known, recordings)
    targets = [target for each in before.cameras.values() for target in each.publish]
    for target in (target for each in after.cameras.values() for target in each.publish):
        if target not in targets:
            _check_target(target, targets, recordings)
    if not _mounts(after) <= _mounts(before) | {None, "on"}:
        raise closed("require_mount")


def _check_option(key: str, old: GivenOptions, new: GivenOptions, options: ServeOptions) -> None:
    """Check an option that the page may change within limits.

    Raises:
        Forbidden: only the file itself may be changed in this way.
    """
    if key == "recordings":
        check_place(new.recordings.absolute(), old.recordings.absolute())
    elif key in PORTS and is_switch(getattr(old, key), getattr(new, key)):
        if is_open(getattr(new, key)) and options.tokens is None and not options.insecure:
            raise Forbidden(NO_PASSWORD)
    elif key != "tokens" or old.tokens is not None or new.tokens != tokens_file(options):
        raise closed(key)


def tokens_file(options: ServeOptions) -> Path | None:
    """Return the file of tokens that the page makes: beside the configuration."""
    return None if options.file is None else options.file.absolute().with_name(TOKENS)


def closed(key: str) -> Forbidden:
    """Return the error for an option that the page may not change."""
    return Forbidden(f"{key!r} cannot be changed in the page: change it in the file itself")


def _options(contents: ConfigContents) -> GivenOptions:
    return GivenOptions(**{k: v for k, v in contents.options.items() if k != "hook"})


def _processes(contents: ConfigContents) -> set[str]:
    """Return the user code of a file, each as ``CAMERA=MODULE:FUNCTION``."""
    found = set(contents.options.get("process", []))
    for name, table in contents.cameras.items():
        found |= {f"{name}={text}" for text in table.process}
    return found


def _mounts(contents: ConfigContents) -> set[str | None]:
    tables = [contents.recording, *(each.recording for each in contents.cameras.values())]
    return {each.get("require_mount") for each in tables}


def _sources(contents: ConfigContents) -> list[SourceSpec]:
    """Return all sources: of cameras, and of their smaller streams."""
    found = [each.source for each in contents.cameras.values()]
    for name, key in _STREAMS:
        tables = [getattr(each, name) for each in (contents, *contents.cameras.values())]
        streams = [each.get(key) for each in tables if each]
        found += [each for each in streams if isinstance(each, SourceSpec)]
    return found


def check_source(spec: SourceSpec, known: Iterable[SourceSpec], recordings: Path) -> None:
    """Check that the page may give a source to a camera.

    Arguments:
        known: the sources of the cameras that there are.
        recordings: the folder whose files the page may use.

    Raises:
        BadArgument: there is no source of this kind.
        Forbidden: only the file itself may name this source.
    """
    if spec.scheme not in SCHEMES:
        raise unknown_scheme(spec.scheme)
    olds = [each for each in known if (each.scheme, each.target) == (spec.scheme, spec.target)]
    if not olds:
        if spec.scheme in _FILE_SCHEMES:
            if not _is_within(spec.path("x"), recordings):
                raise Forbidden(f"{spec.shown}: the page may only use files in {recordings}")
        elif spec.scheme not in OPEN_SCHEMES:
            raise Forbidden(f"the page may not add a source of the kind {spec.scheme}:")
        if spec.scheme.startswith("twistedcam"):  # the settings of a relay are in its address
            for name in ("cafile", "cert"):
                if name in unquote(spec.target).lower():
                    raise closed(name)
        if spec.scheme == "webcam" and not _WEBCAM.fullmatch(spec.target):
            raise Forbidden(f"{spec.shown} is no webcam: write webcam:0 or webcam:/dev/video0")
    used = {each.settings.get("audio") for each in olds}
    sound = spec.settings.get("audio", "")
    if sound not in used and not _SOUND.fullmatch(sound):
        raise Forbidden(f"audio={sound!r} cannot be set in the page: write auto or off")
    for name in _FILE_SETTINGS & spec.settings.keys():
        if spec.settings[name] not in {each.settings.get(name) for each in olds}:
            raise closed(name)


def _check_target(target: PublishTarget, known: Iterable[PublishTarget], recordings: Path) -> None:
    olds = [each for each in known if each.url == target.url]
    if not olds and target.is_folder and not _is_within(Path(target.url), recordings):
        raise Forbidden(f"{target.shown}: the page may only use folders in {recordings}")
    if target.ca and target.ca not in {each.ca for each in olds}:
        raise closed("ca")


def _is_within(path: Path, folder: Path) -> bool:
    """True if a path is in a folder, and not in a hidden one of it."""
    try:
        below = path.resolve().relative_to(folder.resolve())
    except (ValueError, OSError, RuntimeError):
        return False
    return not any(part.startswith(".") for part in below.parts)
