"""Rules for changes of the configuration that are made in the page.

A browser that is logged in with the right ``admin`` may change cameras, and nothing with which a
program could be run, a file be read or written, or the server be opened to others. Such things are
for those who can write the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from twistedcam.config.options import OPTIONS, ServeOptions
from twistedcam.errors import Forbidden
from twistedcam.publishing.target import PublishTarget
from twistedcam.sources.spec import SourceSpec

#: The options that may change, by their attributes. New ones are closed by default.
OPEN_OPTIONS = frozenset(
    {
        "stopped",
        "log_level",
        "discovery",
        "max_connections",
        "max_per_address",
        "max_unjoined",
        "max_snapshots",
    }
)
#: Schemes of sources that a camera may get: none opens a file, and ``ffmpeg:`` may.
OPEN_SCHEMES = frozenset(
    {"auto", "webcam", "pattern", "push", "http", "https", "rtsp", "rtsps", "onvif", "onvifs"}
    | {"rtmp", "rtmps", "srt", "udp", "rtp", "twistedcam", "twistedcams"}
)
#: Schemes of files, which may be in the recordings folder.
_FILE_SCHEMES = frozenset({"file", "folder"})
#: Settings of sources that name files.
_FILE_SETTINGS = frozenset({"cafile", "ca", "cert", "key"})
#: Microphones: ALSA has devices that write files or run programs.
_SOUND = re.compile(r"|auto|off|alsa:default|pulse:[\w.-]{1,200}", re.ASCII)
_WEBCAM = re.compile(r"|\d{1,3}|/dev/video\d{1,3}|/dev/v4l/by-(id|path)/[^/]{1,255}", re.ASCII)
#: What is compared in another way than by its value.
_COMPARED = frozenset(
    {"cameras", "recording", "record_settings", "publish", "motion_settings", "video_settings"}
    | {"processes", "hooks", "again"}
)


def check_change(before: ServeOptions, after: ServeOptions) -> None:
    """Check that the page may make a change.

    Arguments:
        before: the options of the file as it is.
        after: those of the changed file.

    Raises:
        Forbidden: only the file itself may be changed in this way.
    """
    for name in ServeOptions.__struct_fields__:
        if name in _COMPARED or name in OPEN_OPTIONS:
            continue
        if getattr(before, name) != getattr(after, name):
            raise _closed(next((key for key, each in OPTIONS.items() if each.name == name), name))
    if before.hooks != after.hooks:
        raise _closed("hook")
    if any(each not in before.processes for each in after.processes):
        raise _closed("process")
    known = [*_sources(before)]
    for spec in _sources(after):
        if spec not in known:
            _check_source(spec, known, before.recordings)
    targets = [target for each in before.publish.values() for target in each]
    for target in (target for each in after.publish.values() for target in each):
        if target not in targets:
            _check_target(target, before.recordings)
    mounts = {each.require_mount for each in _recordings(before)} | {None, "on"}
    if any(each.require_mount not in mounts for each in _recordings(after)):
        raise _closed("require_mount")


def _closed(key: str) -> Forbidden:
    return Forbidden(f"{key!r} cannot be changed in the page: change it in the file itself")


def _recordings(options: ServeOptions) -> Iterable[Any]:
    return [options.record_settings, *options.recording.values()]


def _sources(options: ServeOptions) -> Iterable[SourceSpec]:
    """Return all sources: of cameras, and of streams in which motion is looked for."""
    found = [*options.cameras.values()]
    found += [each.source for each in options.motion_settings.values() if each.source is not None]
    return found


def _check_source(spec: SourceSpec, known: list[SourceSpec], recordings: Path) -> None:
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
                    raise _closed(name)
        if spec.scheme == "webcam" and not _WEBCAM.fullmatch(spec.target):
            raise Forbidden(f"{spec.shown} is no webcam: write webcam:0 or webcam:/dev/video0")
    used = {each.settings.get("audio") for each in olds}
    sound = spec.settings.get("audio", "")
    if sound not in used and not _SOUND.fullmatch(sound):
        raise Forbidden(f"audio={sound!r} cannot be set in the page: write auto or off")
    for name in _FILE_SETTINGS & spec.settings.keys():
        if spec.settings[name] not in {each.settings.get(name) for each in olds}:
            raise _closed(name)


def _check_target(target: PublishTarget, recordings: Path) -> None:
    if target.is_folder and not _is_within(Path(target.url), recordings):
        raise Forbidden(f"{target.shown}: the page may only use folders in {recordings}")
    if target.ca:
        raise _closed("ca")


def _is_within(path: Path, folder: Path) -> bool:
    """True if a path is in a folder, and not in a hidden one of it."""
    try:
        below = path.resolve().relative_to(folder.resolve())
    except (ValueError, OSError, RuntimeError):
        return False
    return not any(part.startswith(".") for part in below.parts)
