"""Changes of cameras in the text of a configuration. Comments stay."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from twistedcam.errors import BadArgument, Forbidden, NoSuchCamera
from twistedcam.util.camera_name import check_name

_BY_HAND = "the cameras are written in another way than as tables: change the text by hand"
_BOUND = (
    "the camera {name!r} {what}, so it can be renamed only in the file itself; its title can be "
    "changed here"
)


def add_camera(text: str, name: str, source: str, settings: Mapping[str, str]) -> str:
    """Return the text with another camera after the others.

    Arguments:
        settings: of the source, such as ``size`` and ``title``; empty ones are left out.

    Raises:
        BadArgument: the name is taken or not possible, or the text is no TOML.
    """
    import tomlkit

    document = parsed(text)
    cameras = _cameras(document)
    table = tomlkit.table()
    table["source"] = source
    for key, value in settings.items():
        if value:
            table[key] = int(value) if value.isascii() and value.isdigit() else value
    table.add(tomlkit.nl())
    return _dumped(document, {**cameras, _free(cameras, name): table})


def copy_camera(text: str, name: str, new: str) -> str:
    """Return the text with a copy of a camera under another name.

    The copy has neither publish targets nor user code: two cameras cannot publish to one address,
    and only the file itself can give user code to a camera.

    Raises:
        BadArgument, NoSuchCamera: a name is not possible, or the text is no TOML.
    """
    document = parsed(text)
    cameras = _cameras(document)
    copied = copy.deepcopy(_known(cameras, name))
    if isinstance(copied, dict):
        for key in ("publish", "process"):
            copied.pop(key, None)
    return _dumped(document, {**cameras, _free(cameras, new): copied})


def rename_camera(text: str, name: str, new: str) -> str:
    """Return the text with another name for a camera, which keeps its place.

    Raises:
        BadArgument, NoSuchCamera: a name is not possible, or the text is no TOML.
        Forbidden: the camera has user code, or a hook names it. Programs get the camera's name, and
            only the file itself says what they are given.
    """
    document = parsed(text)
    cameras = _cameras(document)
    table = _known(cameras, name)
    new = _free(cameras, new)
    plain = document.unwrap()
    if any(str(each).startswith(f"{name}=") for each in _list(plain.get("process"))) or (
        isinstance(table, dict) and table.get("process")
    ):
        raise Forbidden(_BOUND.format(name=name, what="has user code"))
    hooks = [each for each in _list(plain.get("hook")) if isinstance(each, dict)]
    if any(name in _list(each.get("camera")) for each in hooks):
        raise Forbidden(_BOUND.format(name=name, what="is named by a hook"))
    renamed = {new if key == name else key: each for key, each in cameras.items()}
    changed = _with_other_heads(text, name, new)
    if changed is not None:
        found = parsed(changed).unwrap()
        wanted = [(key, _plain(each)) for key, each in renamed.items()]
        others_are_kept = {**found, "camera": plain["camera"]} == plain
        if list(found["camera"].items()) == wanted and others_are_kept:
            return changed
    return _dumped(document, renamed)


def _with_other_heads(text: str, name: str, new: str) -> str | None:
    """Return the text with another name in the heads of a camera's tables; None without heads.

    A line of a text in several lines may look like one: the caller checks what has changed.
    """
    import tomlkit

    forms = (name, json.dumps(name, ensure_ascii=False), f"'{name}'")
    written = "|".join(map(re.escape, forms))
    head = re.compile(rf"^([ \t]*\[[ \t]*camera[ \t]*\.[ \t]*)(?:{written})(?=[ \t]*[].])", re.M)
    key = tomlkit.key(new).as_string()
    changed, count = head.subn(lambda found: found[1] + key, text)
    return changed if count else None


def remove_camera(text: str, name: str) -> str:
    """Return the text without a camera.

    Raises:
        NoSuchCamera: there is none of that name.
        BadArgument: the text is no TOML.
    """
    document = parsed(text)
    cameras = _cameras(document)
    _known(cameras, name)
    return _dumped(document, {key: each for key, each in cameras.items() if key != name})


def parsed(text: str) -> Any:
    """Return the document of a text.

    Raises:
        BadArgument: it is not valid TOML.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as error:
        raise BadArgument(f"the text is not valid TOML: {error}") from None


def _cameras(document: Any) -> dict[str, Any]:
    cameras = document.get("camera", {})
    if not isinstance(cameras, dict):
        raise BadArgument("'camera' has to be a table of cameras")
    return dict(cameras.items())


def _free(cameras: Mapping[str, Any], name: str) -> str:
    name = check_name(name)
    if name in cameras:
        raise BadArgument(f"there is already a camera {name!r}")
    return name


def _list(value: Any) -> list[Any]:
    """Return a value of a file as the list that it may also be written as."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _known(cameras: Mapping[str, Any], name: str) -> Any:
    if name not in cameras:
        known = ", ".join(cameras) or "none"
        raise NoSuchCamera(f"the configuration has no camera {name!r}; it has {known}")
    return cameras[name]


def _dumped(document: Any, cameras: Mapping[str, Any]) -> str:
    """Return the text of a document with these cameras, in this order."""
    import tomlkit

    before = list(document.get("camera", {}))
    try:
        if (
            not before
            or [name for name in before if name in cameras] != list(cameras)[: len(before)]
        ):
            if before:
                del document["camera"]
            document["camera"] = tomlkit.table(is_super_table=True)
            before = []
        tables = document["camera"]
        for name in before:  # what stays is not touched
            if name not in cameras:
                del tables[name]
        for name in cameras:
            if name not in tables:
                tables[name] = cameras[name]
        if not cameras:
            del document["camera"]
        text = tomlkit.dumps(document)
        found = tomlkit.parse(text).unwrap().get("camera", {})
    except (ValueError, TypeError):
        raise BadArgument(_BY_HAND) from None
    if list(found.items()) != [(name, _plain(each)) for name, each in cameras.items()]:
        raise BadArgument(_BY_HAND)
    return text


def _plain(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value
