"""The options as fields of forms, made from the schemas.

A field says where its value is in the file, which values it can have, and where the value that is
in use comes from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from msgspec import Struct

from twistedcam.automation.hooks import read_hooks
from twistedcam.camera import source_settings
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.config.masks import mask_address, mask_target
from twistedcam.config.options import ServeOptions
from twistedcam.config.overrides import (
    given_audio,
    given_cameras,
    is_publish_given,
    overriding_option,
    overriding_words,
)
from twistedcam.config.page_rules import FORM_OPTIONS
from twistedcam.config.toml_edits import read_document
from twistedcam.config.toml_file import FILE_OPTIONS, CameraTable
from twistedcam.errors import BadArgument, NoSuchCamera, TwistedcamError
from twistedcam.processing.motion.settings import MotionSettings, read_zones, zones_text
from twistedcam.recording.settings import RecordSettings
from twistedcam.sources.setting_help import setting_help
from twistedcam.sources.spec import LIVE_SETTINGS, SourceSpec, parse
from twistedcam.util.polygons import polygons_text, read_polygons
from twistedcam.util.schema import Option, ValueKind, settings_of

#: The tables that a camera can have, and the file for all cameras, with their schemas.
TABLES: dict[str, type[Struct]] = {
    "recording": RecordSettings,
    "motion": MotionSettings,
    "video": VideoSettings,
}
#: Keys of schemas that are no keys of a file.
NO_KEYS = frozenset({"segment_size"})
#: The groups of options; others are in the group ``server``.
GROUPS: dict[str, tuple[str, ...]] = {
    "server": (),
    "ports": (
        *("listen", "control", "http", "rtsp"),
        *("no-listen", "no-control", "no-http", "no-rtsp"),
    ),
    "access": (
        *("tokens", "no-token-in-url", "insecure", "trusted-proxies"),
        *("http-name", "http-cors", "http-cors-control"),
    ),
    "limits": ("max-connections", "max-per-address", "max-unjoined", "max-snapshots"),
    "files": ("recordings", "record-format"),
    "log": ("log", "log-json", "log-level"),
    "code": ("process", "process-in"),
}
#: Settings of sources by group; others are in the group ``camera``.
_SOURCE_GROUPS = {
    "picture": ("quality", "rotate", "flip", "timestamp", "privacy"),
    "sound": ("audio", "audio_offset_ms", "muted"),
}
_SOURCE = Option(
    "where the pictures come from", "cameras.md", example="rtsp://USER:PASSWORD@HOST/stream"
)
_PUBLISH = Option("addresses that the video is sent to", "scale.md", example="rtmp://HOST/live/KEY")
_PROCESS = Option("user code on the pictures", "processing.md")

Field = dict[str, Any]


def server_form(text: str, options: ServeOptions) -> dict[str, Any]:
    """Return the groups of options of the server, and those of all cameras.

    Arguments:
        text: the contents of the configuration.
        options: those that the server was started with.

    Raises:
        BadArgument: the text is no TOML.
    """
    document = read_document(text)
    given = options.command_line
    groups = {name: list[Field]() for name in GROUPS}
    for key, each in FILE_OPTIONS.items():
        group = next((name for name, keys in GROUPS.items() if key in keys), "server")
        groups[group].append(
            _field(
                [key],
                each.kind,
                each.option,
                _text_of(each.kind, document.get(key)),
                applies="now" if each.option.is_live else "restart",
                locked=each.name not in FORM_OPTIONS,
                command_line=overriding_option(each.name, each.flag, given),
            )
        )
    shown = [{"name": name, "table": [], "fields": fields} for name, fields in groups.items()]
    shown += [_table(name, [name], document, (), given, None) for name in TABLES]
    return {
        "camera": None,
        "cameras": list(_cameras(document)),
        "groups": shown,
        "hooks": _hooks(document),
    }


def camera_form(text: str, name: str, options: ServeOptions) -> dict[str, Any]:
    """Return the groups of settings of a camera in the file.

    Arguments and errors as ``server_form``.

    Raises:
        NoSuchCamera: the file has no camera of that name.
    """
    document = read_document(text)
    cameras = _cameras(document)
    if not isinstance(cameras.get(name), dict):
        known = ", ".join(cameras) or "none"
        raise NoSuchCamera(f"the configuration has no camera {name!r}; it has {known}")
    table, given = cameras[name], options.command_line
    groups = _source_groups(name, table, given)
    path = ["camera", name]
    groups += [_table(each, [*path, each], table, (document,), given, name) for each in TABLES]
    publish = _field(
        [*path, "publish"],
        ValueKind("address", is_list=True),
        _PUBLISH,
        [mask_target(each) for each in _list(table.get("publish"))] or None,
        command_line="--publish" if is_publish_given(name, given) else None,
    )
    groups.append({"name": "publish", "table": path, "fields": [publish]})
    process = _list(table.get("process")) or None
    code = _field([*path, "process"], ValueKind(is_list=True), _PROCESS, process, locked=True)
    groups.append({"name": "code", "table": path, "fields": [code]})
    return {
        "camera": name,
        "cameras": list(cameras),
        "groups": groups,
        "is_used": "camera" not in given or name in given_cameras(given),
    }


def spec_of(table: Mapping[str, Any]) -> SourceSpec | None:
    """Return the source of a camera's table without its keys; None if it is not valid."""
    try:
        return parse(str(table.get("source", "")))
    except TwistedcamError:
        return None


def source_kinds(spec: SourceSpec | None) -> dict[str, ValueKind]:
    """Return the kinds of a source's settings by name; those of all sources if it is None."""
    for each in [] if spec is None else [spec, replace(spec, settings={})]:
        with contextlib.suppress(TwistedcamError):
            return source_settings(each).kinds
    return source_settings(parse("push:")).kinds


def _source_groups(name: str, table: Mapping[str, Any], given: Mapping[str, Any]) -> list[Any]:
    spec = spec_of(table)
    path = ["camera", name]
    cameras = given_cameras(given)
    shown = mask_address(str(table.get("source", "")))
    overriding = f"--camera {mask_address(cameras[name])}" if name in cameras else None
    source = _field(
        [*path, "source"], ValueKind("source"), _SOURCE, shown, "reopen", command_line=overriding
    )
    groups: dict[str, list[Field]] = {"camera": [source], **{each: [] for each in _SOURCE_GROUPS}}
    kinds = source_kinds(spec)
    others = set(table) - set(kinds) - set(CameraTable.__struct_fields__)
    scheme = "" if spec is None else spec.scheme
    for key, kind in [*kinds.items(), *((each, ValueKind()) for each in sorted(others))]:
        value, is_in_address = table.get(key), False
        if value is None and spec is not None and key in spec.settings:
            value, is_in_address = spec.settings[key], True
        if key in others and "://" in str(value):
            kind = ValueKind("address")
        if kind.name == "switch" and value is not None:
            value = str(value).lower() in ("1", "true")
        field = _field(
            [*path, key],
            kind,
            setting_help(scheme, key),
            _text_of(kind, value),
            "now" if key in LIVE_SETTINGS else "reopen",
            command_line=given_audio(name, given) if key == "audio" else overriding,
        )
        field["is_in_address"] = is_in_address
        group = next((one for one, keys in _SOURCE_GROUPS.items() if key in keys), "camera")
        groups[group].append(field)
    return [{"name": each, "table": path, "fields": fields} for each, fields in groups.items()]


def _table(
    name: str,
    path: list[str],
    tables: Mapping[str, Any],
    general: Iterable[Mapping[str, Any]],
    given: Mapping[str, Any],
    camera: str | None,
) -> dict[str, Any]:
    """Return the group of a table; ``general`` has that of all cameras, if it is of one."""
    own = tables.get(name)
    shared: dict[str, Any] = {}
    for document in general:
        if isinstance(document.get(name), dict):
            shared |= document[name]
    words = overriding_words(name, given, camera)
    fields = []
    for key, each in settings_of(TABLES[name]).items():
        if key in NO_KEYS:
            continue
        kind = replace(each.kind, default=_default(key, each.kind, each.default))
        value = own.get(key) if isinstance(own, dict) else None
        fields.append(
            _field(
                [*path, key],
                kind,
                each.option,
                _text_of(kind, value),
                inherited=_text_of(kind, shared.get(key)),
                command_line=words.get(key),
            )
        )
    group: dict[str, Any] = {"name": name, "table": path, "fields": fields}
    if name == "motion":  # the table itself switches it on
        group["is_on"] = own is not None
        group["is_on_for_all"] = "motion" in given or any("motion" in one for one in general)
    return group


def _field(
    path: list[str],
    kind: ValueKind,
    option: Option,
    value: Any,
    applies: str = "now",
    locked: bool = False,
    command_line: str | None = None,
    inherited: Any = None,
) -> Field:
    """Return a field. ``value`` is that in the file, None if it has none."""
    found: Field = {
        "path": path,
        "key": path[-1],
        "kind": kind.name,
        "default": kind.default,
        "value": value,
        "help": option.help,
        "applies": applies,
    }
    if kind.name == "switch":
        found["default"] = str(kind.default).lower() in ("1", "true")
    more = {
        "low": kind.low,
        "high": kind.high,
        "choices": list(kind.choices) or None,
        "is_list": kind.is_list or None,
        "unit": option.unit or None,
        "example": option.example or None,
        "page": option.page or None,
        "locked": locked or None,
        "command_line": command_line,
        "inherited": inherited,
    }
    return found | {key: each for key, each in more.items() if each is not None}


def _default(key: str, kind: ValueKind, default: Any) -> str:
    """Return a default in the notation of a file."""
    if key == "format":
        return "auto"
    if default is None or default == ():
        return ""
    if kind.name == "duration":
        return f"{default:g}s"
    if kind.name == "size":
        return f"{default // 2**20}MiB"
    return kind.default


def _text_of(kind: ValueKind, value: Any) -> Any:
    """Return the value of a file for a form: a text, a number, a list, or true or false."""
    if kind.name == "switch" and isinstance(value, str):
        return value in ("on", "yes", "true", "1")
    if kind.name in ("source", "address") and isinstance(value, str):
        return mask_address(value)
    with contextlib.suppress(BadArgument):
        if kind.name == "polygons" and isinstance(value, list):
            return polygons_text(read_polygons(value, ""))
        if kind.name == "zones" and isinstance(value, list | dict):
            return zones_text(read_zones(value, ""))
    if isinstance(value, list):
        return [str(each) for each in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _list(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [] if value is None else [value]
    return [str(each) for each in found]


def _cameras(document: Mapping[str, Any]) -> dict[str, Any]:
    found = document.get("camera", {})
    return found if isinstance(found, dict) else {}


def _hooks(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the hooks of a file; none if they are not valid."""
    try:
        hooks = read_hooks(document.get("hook", []))
    except BadArgument:
        return []
    return [
        {"name": each.name, "on": each.on, "cameras": each.camera, "target": each.shown}
        for each in hooks
    ]
