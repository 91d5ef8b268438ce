"""The configuration file: TOML with a key for each option of ``serve``, and a table a camera.

A top-level key is an option's long name and means what the option means. The tables are
``[camera.NAME]``: its ``source``, any setting of that source, ``publish``, ``process``, and
``[camera.NAME.recording]``; and ``[recording]``: what holds for every camera's recordings.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twistedcam.errors import BadArgument
from twistedcam.publishing.target import PublishTarget, parse_target
from twistedcam.sources.spec import SourceSpec, parse
from twistedcam.util.camera_name import check_distinct, check_name

#: Options that say where a configuration is or act on it: they have no place in one.
_NOT_IN_A_FILE = frozenset({"config", "camera", "record", "publish", "help", "check"})
#: Options whose key is another word, for it has a list.
_PLURALS = {"trusted-proxy": "trusted-proxies"}
#: Top-level tables.
_TABLES = ("camera", "recording")


@dataclass(frozen=True)
class Config:
    """What a file says.

    Arguments:
        options: values by the options' names in the parser (``log_level``).
        cameras: sources by camera, in the file's order.
        processes: user code on each camera's pictures, by its name.
        recording: how each camera records, by its name; ``[recording]`` is in it already.
        recording_default: ``[recording]``, for a camera that the file does not have.
        publish: where each camera's video goes.
    """

    options: dict[str, Any] = field(default_factory=dict)
    cameras: dict[str, SourceSpec] = field(default_factory=dict)
    processes: dict[str, list[str]] = field(default_factory=dict)
    recording: dict[str, dict[str, Any]] = field(default_factory=dict)
    recording_default: dict[str, Any] = field(default_factory=dict)
    publish: dict[str, list[PublishTarget]] = field(default_factory=dict)


def read_config(path: Path, actions: Iterable[argparse.Action]) -> Config:
    """Read and check a file.

    Arguments:
        actions: the options that there are, as a parser has them.

    Raises:
        BadArgument: there is no such file, it is no TOML, or a key or value in it will not do.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadArgument(f"the configuration {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadArgument(f"{path} is no TOML: {error}") from None
    try:
        return _check(document, actions)
    except BadArgument as error:
        raise BadArgument(f"{path}: {error}") from None


def _check(document: Mapping[str, Any], actions: Iterable[argparse.Action]) -> Config:
    known = {name: action for action in actions if (name := file_key(action)) is not None}
    options: dict[str, Any] = {}
    for key, value in document.items():
        if key in _TABLES:
            continue
        if key not in known:
            raise BadArgument(_unknown(key, [*known, *_TABLES]))
        options[known[key].dest] = _option(key, value, known[key])
    shared = _table(document, "recording")
    cameras: dict[str, SourceSpec] = {}
    processes: dict[str, list[str]] = {}
    recording: dict[str, dict[str, Any]] = {}
    publish: dict[str, list[PublishTarget]] = {}
    for name, table in _table(document, "camera").items():
        where = f"[camera.{name}]"
        if not isinstance(table, dict):
            raise BadArgument(f"{where} has to be a table: [camera.{name}] and source = '…' in it")
        name = check_name(name)
        if name in cameras:  # the file has it in two Unicode forms
            raise BadArgument(f"there are two cameras {name!r}: give each another name")
        check_distinct(name, cameras)
        cameras[name] = _source(where, table)
        processes[name] = _texts(where, "process", table.get("process", []))
        recording[name] = {**shared, **_table(table, "recording", where)}
        publish[name] = _targets(where, table.get("publish", []))
    return Config(options, cameras, processes, recording, dict(shared), publish)


def file_key(action: argparse.Action) -> str | None:
    """An option's key in the file, or None for one that has no place there."""
    longs = [text[2:] for text in action.option_strings if text.startswith("--")]
    if not longs or longs[0] in _NOT_IN_A_FILE:
        return None
    return _PLURALS.get(longs[0], longs[0])


def _option(key: str, value: Any, action: argparse.Action) -> Any:
    """A value as the parser would have given it."""
    if action.nargs == 0:  # a switch, on the command line without a value
        if not isinstance(value, bool):
            raise BadArgument(f"{key} has to be true or false")
        return value
    if action.type is not None or isinstance(value, str):
        convert: Any = action.type or str
        values = value if isinstance(value, list) else [value]
        if any(isinstance(each, (bool, dict, list)) for each in values):
            raise BadArgument(f"{key} = {value!r} will not do")
        try:
            made = [convert(str(each)) for each in values]
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise BadArgument(f"{key} = {value!r} will not do: {error}") from None
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        made = value
    else:
        raise BadArgument(f"{key} has to be a text")
    for each in made:
        if action.choices is not None and each not in action.choices:
            choices = ", ".join(map(str, action.choices))
            raise BadArgument(f"{key} = {each!r} will not do: it is one of {choices}")
    if _is_list(action):
        return made
    if isinstance(value, list):
        raise BadArgument(f"{key} has one value, not a list")
    return made[0]


def _is_list(action: argparse.Action) -> bool:
    return isinstance(action, argparse._AppendAction)


def _source(where: str, table: Mapping[str, Any]) -> SourceSpec:
    source = table.get("source")
    if isinstance(source, int) and not isinstance(source, bool):
        source = str(source)  # the number of a webcam
    if not isinstance(source, str):
        raise BadArgument(f"{where} needs a source: source = 'webcam:0'")
    try:
        spec = parse(source)
    except BadArgument as error:
        raise BadArgument(f"{where}: {error}") from None
    settings = {
        key: _setting(where, key, value)
        for key, value in table.items()
        if key not in ("source", "recording", "publish", "process")
    }
    return dataclasses.replace(spec, settings={**spec.settings, **settings})


def _targets(where: str, texts: Any) -> list[PublishTarget]:
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise BadArgument(f"{where}: publish has to be a list: publish = ['rtmp://HOST/APP/KEY']")
    try:
        return [parse_target(each) for each in texts]
    except BadArgument as error:
        raise BadArgument(f"{where}: {error}") from None


def _texts(where: str, key: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in values):
        raise BadArgument(f"{where}: {key} has to be a text or a list of texts")
    return values


def _setting(where: str, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadArgument(f"{where}: {key} has to be a text, a number, or true or false")


def _table(mapping: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
    table = mapping.get(key, {})
    if not isinstance(table, dict):
        raise BadArgument(f"{where} {key} has to be a table".strip())
    return table


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else "there is " + ", ".join(known)
    return f"there is no option {key!r}: {hint}"
