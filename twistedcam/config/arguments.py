"""The command line of ``serve``, merged with the configuration file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from msgspec.structs import replace

from twistedcam.automation.hooks import Hook
from twistedcam.codecs.video_settings import VideoSettings
from twistedcam.config.options import OPTIONS, GivenOptions, ServeOptions
from twistedcam.config.toml_file import CameraTable, ConfigContents, read_config
from twistedcam.errors import BadArgument
from twistedcam.processing import Process, parse_process
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.publishing.target import PublishTarget
from twistedcam.recording.settings import RecordSettings
from twistedcam.sources.sound_settings import SoundSettings, check_audio
from twistedcam.sources.spec import parse_camera
from twistedcam.util.camera_name import check_distinct, check_name, find_name


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``serve`` to a parser. An option that is not given is None."""
    for each in OPTIONS.values():
        metavar = each.reader.metavar or each.key.rpartition("-")[2].upper()
        kind: dict[str, Any] = {"metavar": metavar}
        if each.type is bool:
            kind = {"action": "store_const", "const": True}
            if each.default:
                kind = {"action": argparse.BooleanOptionalAction}
        elif each.is_list:
            kind["action"] = "append"
        default = f" ({each.shown_default})" * (each.shown_default not in ("", "false"))
        text = each.option.help.replace("`", "") + default
        kind["help"] = text if each.option.in_help else argparse.SUPPRESS
        parser.add_argument(each.flag, dest=each.name, **kind)


class _Parser(argparse.ArgumentParser):
    """A parser that raises BadArgument instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise BadArgument(message)


def options_from(words: Sequence[str]) -> ServeOptions:
    """Return the options for arguments of ``twistedcam serve``, without keys.

    Raises:
        BadArgument: an option is not valid.
    """
    parser = _Parser("serve", add_help=False, allow_abbrev=False)
    add_serve_arguments(parser)
    return read_serve_options(parser.parse_args([*words, "--no-keys"]))


def read_serve_options(
    words: argparse.Namespace, text: str | None = None, folder_file: Path | None = None
) -> ServeOptions:
    """Return the options of the command line, which override the configuration file.

    Arguments:
        words: the result of a parser with ``add_serve_arguments``.
        text: contents of the file to check in place of its own.
        folder_file: the configuration if the command line names neither a file nor a camera. It
            need not exist: the page creates it.

    Raises:
        BadArgument: an option is not valid.
    """
    command_line = {
        each.name: value
        for each in OPTIONS.values()
        if (value := getattr(words, each.name)) is not None
    }
    merged: dict[str, Any] = {
        each.name: each.read(command_line[each.name], each.flag)
        for each in OPTIONS.values()
        if each.name in command_line
    }
    file = merged.get("config")
    is_of_folder = file is None and folder_file is not None and "camera" not in merged
    found = ConfigContents({}, {}, {}, None, {})
    if is_of_folder:
        assert folder_file is not None
        file = folder_file.absolute()
        if text is not None or _is_own(file):
            found = read_config(file, text)
    elif file is not None:
        found = read_config(file, text)
    tables, recording = found.cameras, found.recording
    hooks: list[Hook] = found.options.pop("hook", [])
    for name, value in found.options.items():
        # A port on the command line overrides its "no-" option in the file, and vice versa.
        opposite = name.removeprefix("no_") if name.startswith("no_") else f"no_{name}"
        if name not in merged and not merged.get(opposite):
            merged[name] = value
    for port in ("listen", "control", "http", "rtsp"):
        if merged.get(f"no_{port}"):
            if merged.get(port):
                raise BadArgument(f"--{port} and --no-{port} exclude each other")
            merged[port] = []
    given = GivenOptions(**merged)
    is_new = "camera" not in merged and not tables
    if "camera" in merged or not tables:
        tables = _cameras(given.camera, tables)
    _add_sound(given.audio, tables)
    _add_targets(given.publish, tables)
    plain = {
        each: getattr(given, each)
        for each in given.__struct_fields__
        if each in ServeOptions.__struct_fields__
    }
    plain["recordings"] = given.recordings.absolute()
    plain["publish"] = {name: each.publish for name, each in tables.items()}
    processes = _processes(given, tables)
    return ServeOptions(
        cameras={name: each.source for name, each in tables.items()},
        recording={
            name: _recording(given, recording | each.recording) for name, each in tables.items()
        },
        record_settings=_recording(given, recording),
        motion_settings={
            name: _motion(given, (found.motion or {}) | (each.motion or {}))
            for name, each in tables.items()
            if given.motion or found.motion is not None or each.motion is not None
        },
        video_settings=_video(given, found.video, tables),
        processes=processes,
        hooks=_with_cameras(hooks, [*tables, *(each.name for each in processes)], file),
        file=file,
        read_again=None
        if file is None
        else lambda text=None: read_serve_options(words, text, folder_file),
        is_of_folder=is_of_folder,
        is_new=is_new,
        command_line=command_line,
        **plain,
    )


def _is_own(file: Path) -> bool:
    """Return True if a configuration that nobody has named exists; it can run programs.

    Raises:
        BadArgument: another user can have written it.
    """
    try:
        found = file.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise BadArgument(f"the configuration {file} cannot be read: {error.strerror}") from None
    own = getattr(os, "geteuid", lambda: found.st_uid)()
    if found.st_uid not in (own, 0) or found.st_mode & 0o002:
        raise BadArgument(
            f"another user can change {file}: to use it all the same, add --config {file.name}"
        )
    return True


def _with_cameras(hooks: list[Hook], cameras: list[str], file: Path | None) -> list[Hook]:
    """Return the hooks with the full names of their cameras, which must exist."""
    found = []
    for number, hook in enumerate(hooks, 1):
        names = [find_name(cameras, word) for word in hook.camera]
        for word, name in zip(hook.camera, names, strict=True):
            if name is None:
                have = ", ".join(cameras)
                raise BadArgument(
                    f"{file}: hook[{number}].camera: there is no camera {word!r}; there is {have}"
                )
        found.append(replace(hook, camera=names))
    return found


def _cameras(texts: list[str], tables: dict[str, CameraTable]) -> dict[str, CameraTable]:
    """Return the cameras of the command line, with the other settings of their tables."""
    cameras: dict[str, CameraTable] = {}
    for text in texts:
        default = "cam" if not cameras else f"cam{len(cameras) + 1}"
        name, spec = parse_camera(text, default)
        if name in cameras:
            raise BadArgument(f"two cameras are named {name!r}: give each a name: NAME=SOURCE")
        check_distinct(name, cameras)
        cameras[name] = replace(tables[name], source=spec) if name in tables else CameraTable(spec)
    return cameras


def _recording(given: GivenOptions, table: dict[str, Any]) -> RecordSettings:
    """Return the recording settings of a camera: options override the file."""
    settings = RecordSettings.from_words(given.record, RecordSettings(**table))
    return replace(settings, format=given.record_format or settings.format)


def _motion(given: GivenOptions, table: dict[str, Any]) -> MotionSettings:
    """Return the settings of motion detection of a camera: options override the file."""
    return MotionSettings.from_words(given.motion, MotionSettings(**table))


def _video(
    given: GivenOptions, table: dict[str, Any], tables: dict[str, CameraTable]
) -> dict[str, VideoSettings]:
    """Return the settings of the viewers' video: options override the file."""
    words: dict[str | None, list[str]] = {name: [] for name in (None, *tables)}
    for text in given.video:
        setting, equals, value = text.partition("=")
        camera, colon, setting = setting.rpartition(":")
        name = find_name(tables, camera) if colon else None
        if colon and name is None:
            known = ", ".join(tables)
            raise BadArgument(f"--video: there is no camera {camera!r}; there is {known}")
        words[name].append(f"{setting}{equals}{value}")
    return {
        name: VideoSettings.from_words(
            [*words[None], *words[name]], VideoSettings(**table | each.video)
        )
        for name, each in tables.items()
    }


def _add_sound(texts: list[str], tables: dict[str, CameraTable]) -> None:
    """Replace the settings ``audio`` of cameras' sources by those of the command line."""
    for text in texts:
        name, equals, audio = text.partition("=")
        if not equals or ":" in name:  # such as alsa:hw:CARD=1
            name, audio = "", text
        camera = find_name(tables, name) if name else None
        if not name and len(tables) == 1:
            camera = next(iter(tables))
        if camera is None:
            known = ", ".join(tables)
            fault = f"there is no camera {name!r}" if name else "the camera is missing"
            raise BadArgument(f"--audio: {fault}: write CAMERA=SOURCE, CAMERA one of {known}")
        table = tables[camera]
        spec = table.source.with_settings({"audio": check_audio(audio)})
        SoundSettings.from_spec(spec)
        tables[camera] = replace(table, source=spec)


def _add_targets(
    pairs: list[tuple[str | None, PublishTarget]], tables: dict[str, CameraTable]
) -> None:
    """Replace the targets of cameras' tables by those of the command line."""
    given: dict[str, list[PublishTarget]] = {}
    for word, target in pairs:
        name = None if word is None else find_name(tables, word)
        if word is None and len(tables) == 1:
            name = next(iter(tables))
        if name is None:
            known = ", ".join(tables)
            fault = "the camera is missing" if word is None else f"there is no camera {word!r}"
            raise BadArgument(f"--publish: {fault}: write CAMERA=URL, CAMERA one of {known}")
        tables[name].publish = given.setdefault(name, [])
        given[name].append(target)
    taken: set[str] = set()
    for target in chain.from_iterable(each.publish for each in tables.values()):
        if target.url in taken:
            raise BadArgument(
                f"two cameras publish to {target.shown}: give each target its own address"
            )
        taken.add(target.url)


def _processes(given: GivenOptions, tables: dict[str, CameraTable]) -> list[Process]:
    """Return the user code of the options, then that of the cameras' tables."""
    texts = list(given.process)
    texts += [f"{name}={text}" for name, each in tables.items() for text in each.process]
    processes: list[Process] = []
    for text in texts:
        made = [each.name for each in processes]
        camera, code = parse_process(text, list(tables), made)
        process = Process(camera, code, given.process_in)
        check_name(process.name)
        if process.name in (*tables, *made):
            raise BadArgument(f"--process {text}: there is already a camera {process.name!r}")
        check_distinct(process.name, (*tables, *made))
        processes.append(process)
    return processes
