"""Changes of single options in the text of a configuration. Comments stay."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from twistedcam.codecs.video_settings import read_video
from twistedcam.config.forms import NO_KEYS, TABLES, spec_of
from twistedcam.config.masks import mask_address, mask_target, unmask
from twistedcam.config.page_rules import FORM_OPTIONS, closed
from twistedcam.config.toml_edits import read_document, write_value
from twistedcam.config.toml_file import FILE_OPTIONS, CameraTable
from twistedcam.errors import BadArgument, NoSuchCamera
from twistedcam.processing.motion.settings import read_motion
from twistedcam.publishing.target import parse_target
from twistedcam.recording.settings import read_recording
from twistedcam.sources.spec import parse
from twistedcam.util.schema import settings_of

Value = bool | int | float | str | list[str] | None

#: Changes in one request, and the size of a value.
MAX_CHANGES = 20
_MAX_TEXT, _MAX_ITEMS = 4000, 100
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "recording": read_recording,
    "motion": read_motion,
    "video": read_video,
}


class OptionChange(NamedTuple):
    """A change of an option.

    Arguments:
        path: the keys that lead to it, such as ``camera``, ``door``, ``recording``, ``segment``.
        value: its value; None for its default. For the table ``motion``: True to have it.
    """

    path: tuple[str, ...]
    value: Value

    @classmethod
    def read(cls, given: Any) -> OptionChange:
        """Return the change that a JSON object describes.

        Raises:
            BadArgument: it has another form.
        """
        if not isinstance(given, dict):
            raise BadArgument("a change is an object with path and value")
        path, value = given.get("path"), given.get("value")
        if not isinstance(path, list) or not all(isinstance(each, str) for each in path):
            raise BadArgument("the path of a change is a list of keys")
        if not 0 < len(path) <= 4:
            raise BadArgument("the path of a change has one to four keys")
        items = value if isinstance(value, list) else [value]
        for each in items:
            if isinstance(each, str) and (len(each) > _MAX_TEXT or not _is_line(each)):
                raise BadArgument(f"a value is one line of at most {_MAX_TEXT} characters")
            if isinstance(each, float) and not math.isfinite(each):
                raise BadArgument("a number has to be finite")
        if isinstance(value, list):
            if len(value) > _MAX_ITEMS or not all(isinstance(each, str) for each in value):
                raise BadArgument(f"a list has at most {_MAX_ITEMS} texts")
        elif value is not None and not isinstance(value, bool | int | float | str):
            raise BadArgument("a value is a text, a number, true, false, a list of texts or null")
        return cls(tuple(path), value)


def set_option(text: str, change: OptionChange) -> str:
    """Return the text with another value of an option.

    Only this value changes: a key that is new is added to its table, and null removes it.

    Raises:
        BadArgument: there is no such option, its value is not valid, or the text is no TOML.
        Forbidden: the page may not change it.
        NoSuchCamera: the file has no such camera.
    """
    document = read_document(text)
    path, value = change
    if path[-1] == "motion" and path != ("camera", "motion"):
        if not isinstance(value, bool):
            raise BadArgument("the table motion is there (true) or not (false)")
        _camera_of(path, document)
        table: Any = document
        for key in path[:-1]:
            table = table[key]
        wanted = table.get("motion", {}) if value else None
    else:
        wanted = _checked(path, value, document)
        if path[0] == "camera" and len(path) == 3 and value is None:
            text = _without_setting(text, path, document)
    return write_value(text, path, wanted)


def _checked(path: tuple[str, ...], value: Value, document: Mapping[str, Any]) -> Value:
    """Return the value to write, as far as it can be checked alone."""
    where = _camera_of(path, document)
    rest = path if where is None else path[2:]
    if where is not None and len(rest) == 1 and rest[0] not in TABLES:
        return _checked_setting(rest[0], value, where)
    if where is None and len(rest) == 1 and rest[0] in FILE_OPTIONS:
        option = FILE_OPTIONS[rest[0]]
        if option.name not in FORM_OPTIONS:
            raise closed(rest[0])
        if value is not None:
            option.read(value, rest[0])
        return value
    if where is None and rest[0] == "hook":
        raise closed("hook")
    if len(rest) != 2 or rest[0] not in TABLES:
        raise BadArgument(f"there is no option {'.'.join(path)!r}")
    name, key = rest
    if key in NO_KEYS or key not in settings_of(TABLES[name]):
        raise BadArgument(f"there is no option {'.'.join(path)!r}")
    if value is not None:
        if key == "source" and isinstance(value, str):
            table = (document if where is None else where).get(name)
            old = table.get(key) if isinstance(table, dict) else None
            value = unmask(value, [old] if isinstance(old, str) else [], mask_address)
        _READERS[name]({key: value})
    return value


def _checked_setting(key: str, value: Value, camera: Mapping[str, Any]) -> Value:
    """Return the value of a key of a camera's table."""
    if key == "process":
        raise closed(key)
    if key == "publish":
        old = camera.get(key, [])
        olds = old if isinstance(old, list) else [old]
        known = [each for each in olds if isinstance(each, str)]
        items = [] if value is None else value if isinstance(value, list) else [str(value)]
        targets = [unmask(each, known, mask_target) for each in items]
        for each in targets:
            parse_target(each)
        return targets or None
    if isinstance(value, list):
        raise BadArgument(f"{key} has to be a text, a number, true or false")
    if key == "source":
        if value is None or value == "":
            raise BadArgument("a camera needs a source, such as webcam:0")
        text = unmask(str(value), [str(camera.get(key, ""))], mask_address)
        parse(text)
        return text
    if not _NAME.fullmatch(key):
        raise BadArgument(f"there is no setting {key!r}")
    spec = spec_of(camera)
    old = camera.get(key, "" if spec is None else spec.settings.get(key, ""))
    return unmask(value, [str(old)], mask_address) if isinstance(value, str) else value


def _camera_of(path: tuple[str, ...], document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the table of the camera to which a path leads; None if it leads to none."""
    if path[0] != "camera" or len(path) < 3:
        if path[0] == "camera":
            raise BadArgument("a camera is changed setting by setting")
        return None
    cameras = document.get("camera", {})
    found = cameras.get(path[1]) if isinstance(cameras, dict) else None
    if not isinstance(found, dict):
        raise NoSuchCamera(f"the configuration has no camera {path[1]!r}")
    return found


def _without_setting(text: str, path: tuple[str, ...], document: Mapping[str, Any]) -> str:
    """Return the text without a setting in the address of a camera's source."""
    camera = document["camera"][path[1]]
    spec = spec_of(camera)
    if spec is None or path[2] not in spec.settings or path[2] in CameraTable.__struct_fields__:
        return text
    rest = {key: each for key, each in spec.settings.items() if key != path[2]}
    found = replace(spec, settings={}).with_settings(rest).text
    return write_value(text, (*path[:2], "source"), found if rest else found.rstrip("?"))


def _is_line(text: str) -> bool:
    """True if a text has no control characters and no halves of characters."""
    codes = [ord(each) for each in text]
    return not any(each < 32 or each == 127 or 0xD800 <= each < 0xE000 for each in codes)
