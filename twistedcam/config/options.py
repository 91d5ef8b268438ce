"""What a server is told at its start: one set of options for the program and the twistd plugin."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from twistedcam.config.arguments import (
    CONTROL_ENDPOINT,
    FRAME_ENDPOINT,
    HTTP_ENDPOINT,
    LOG_LEVEL,
    MOST_WORKERS,
    RECORDINGS,
    add_serve_arguments,
    serve_actions,
)
from twistedcam.config.toml_file import Config, read_config
from twistedcam.errors import BadArgument
from twistedcam.net.connection_limits import ConnectionLimits
from twistedcam.net.listener import expand_endpoint
from twistedcam.net.proxies import TrustedProxies
from twistedcam.net.web_names import parse_name, parse_origin
from twistedcam.processing import RUNS_IN, Process, parse_process
from twistedcam.publishing.target import PublishTarget, parse_publish
from twistedcam.recording.settings import RecordSettings
from twistedcam.servers.mqtt.address import Broker, parse_broker
from twistedcam.sources.spec import SourceSpec, parse_camera
from twistedcam.util.camera_name import check_distinct, check_name, find_name


@dataclass
class ServeOptions:
    """A server's options, checked.

    Arguments:
        cameras: sources by the cameras' names.
        recording: how each camera records.
        publish: where each camera's video goes.
        record_settings: how cameras record that are added later.
        processes: user code on the cameras' pictures.
        keys: take keys from standard input, where that is a terminal.
        again: reads the configuration once more; None where there is no file.
    """

    cameras: dict[str, SourceSpec] = field(default_factory=dict)
    recording: dict[str, RecordSettings] = field(default_factory=dict)
    publish: dict[str, list[PublishTarget]] = field(default_factory=dict)
    record_settings: RecordSettings = field(default_factory=RecordSettings)
    processes: list[Process] = field(default_factory=list)
    listen: list[str] = field(default_factory=list)
    control: list[str] = field(default_factory=list)
    http: list[str] = field(default_factory=list)
    recordings: Path = Path(RECORDINGS)
    stopped: bool = False
    keys: bool = False
    insecure: bool = False
    workers: int = 0
    mqtt: Broker | None = None
    http_names: list[str] = field(default_factory=list)
    http_cors: list[str] = field(default_factory=list)
    trusted_proxies: list[str] = field(default_factory=list)
    no_token_in_url: bool = False
    http_cors_control: list[str] = field(default_factory=list)
    tokens: Path | None = None
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    log: Path | None = None
    log_json: bool = False
    log_level: str = LOG_LEVEL
    again: Callable[[], ServeOptions] | None = None


def read_serve_options(given: argparse.Namespace) -> ServeOptions:
    """Check what the parser found, over what the configuration says.

    Raises:
        BadArgument: it will not do.
    """
    config = Config()
    if given.config is not None:
        config = read_config(Path(given.config).expanduser(), serve_actions())
    found = _merge(given, config.options)
    if found.no_listen and found.listen:
        raise BadArgument("--listen and --no-listen: one or the other")
    if found.no_control and found.control:
        raise BadArgument("--control and --no-control: one or the other")
    if found.no_http and found.http:
        raise BadArgument("--http and --no-http: one or the other")
    cameras = _cameras(found.camera) if found.camera else config.cameras or _cameras(["auto:"])
    return ServeOptions(
        cameras=cameras,
        recording={name: _recording(config, name, found) for name in cameras},
        publish=_publish(found.publish or [], config, cameras),
        record_settings=_recording(config, None, found),
        processes=_processes(found, cameras, config.processes),
        listen=_endpoints(found.listen, found.no_listen, FRAME_ENDPOINT),
        control=_endpoints(found.control, found.no_control, CONTROL_ENDPOINT),
        http=_endpoints(found.http, found.no_http, HTTP_ENDPOINT),
        http_names=[parse_name(each) for each in found.http_name or []],
        http_cors=[parse_origin(each) for each in found.http_cors or []],
        http_cors_control=[
            parse_origin(each, "--http-cors-control") for each in found.http_cors_control or []
        ],
        trusted_proxies=TrustedProxies.check(found.trusted_proxy or []),
        no_token_in_url=bool(found.no_token_in_url),
        recordings=Path(found.recordings or RECORDINGS).expanduser().absolute(),
        stopped=bool(found.stopped),
        keys=found.keys is not False,
        insecure=bool(found.insecure),
        mqtt=None if found.mqtt is None else parse_broker(found.mqtt),
        workers=_workers(found.workers),
        limits=ConnectionLimits(
            found.max_connections or ConnectionLimits.connections,
            found.max_per_address or ConnectionLimits.per_address,
            found.max_unjoined or ConnectionLimits.unjoined,
            found.max_snapshots or ConnectionLimits.snapshots,
        ),
        tokens=None if found.tokens is None else Path(found.tokens).expanduser().absolute(),
        log=None if found.log is None else Path(found.log).expanduser().absolute(),
        log_json=bool(found.log_json),
        log_level=found.log_level or LOG_LEVEL,
        again=None if given.config is None else lambda: read_serve_options(given),
    )


def _recording(config: Config, camera: str | None, found: argparse.Namespace) -> RecordSettings:
    """How a camera records: as the options say, over what the configuration says."""
    table = config.recording_default
    if camera is not None:
        table = config.recording.get(camera, table)
    try:
        settings = RecordSettings.from_mapping(table)
    except BadArgument as error:
        where = "[recording]" if camera is None else f"camera {camera}"
        raise BadArgument(f"{found.config}: {where}: {error}") from None
    settings = RecordSettings.from_words(found.record or [], settings)
    if found.record_format is not None:
        settings = RecordSettings.from_mapping({"format": found.record_format}, settings)
    return settings


def _publish(
    texts: list[str], config: Config, cameras: Collection[str]
) -> dict[str, list[PublishTarget]]:
    """Each camera's targets: the options', or else the configuration's."""
    given: dict[str, list[PublishTarget]] = {}
    for text in texts:
        word, target = parse_publish(text)
        name = None if word is None else find_name(cameras, word)
        if word is None and len(cameras) == 1:
            name = next(iter(cameras))
        if name is None:
            known = ", ".join(cameras)
            said = "say which camera" if word is None else f"--publish: there is no camera {word!r}"
            raise BadArgument(f"{said}: --publish CAMERA=URL, CAMERA one of {known}")
        given.setdefault(name, []).append(target)
    publish = {name: given.get(name) or config.publish.get(name, []) for name in cameras}
    taken: set[str] = set()
    for target in chain.from_iterable(publish.values()):
        if target.url in taken:
            raise BadArgument(
                f"{target.shown} is published to twice: give each an address of its own"
            )
        taken.add(target.url)
    return publish


def _merge(given: argparse.Namespace, config: dict[str, Any]) -> argparse.Namespace:
    """What was given wins; a port that was given wins over its ``no-…`` in the file, too."""
    merged = {**vars(given)}
    for name, value in config.items():
        opposite = name.removeprefix("no_") if name.startswith("no_") else f"no_{name}"
        if merged[name] is None and not merged.get(opposite):
            merged[name] = value
    return argparse.Namespace(**merged)


def _processes(
    found: argparse.Namespace, cameras: dict[str, SourceSpec], own: dict[str, list[str]]
) -> list[Process]:
    """What the options say, then what the configuration says of each camera."""
    texts = list(found.process or [])
    texts += [f"{name}={text}" for name in cameras for text in own.get(name, ())]
    processes: list[Process] = []
    for text in texts:
        made = [each.name for each in processes]
        camera, code = parse_process(text, list(cameras), made)
        process = Process(camera, code, found.process_in or RUNS_IN[0])
        check_name(process.name)
        if process.name in (*cameras, *made):
            raise BadArgument(f"--process {text}: there is a camera {process.name!r} already")
        check_distinct(process.name, (*cameras, *made))
        processes.append(process)
    return processes


def _workers(count: int | None) -> int:
    if count is not None and not 0 <= count <= MOST_WORKERS:
        raise BadArgument(f"--workers {count}: 0 to {MOST_WORKERS}, one for each core at most")
    return count or 0


def _endpoints(found: list[str] | None, off: bool | None, default: str) -> list[str]:
    """Where to listen; an empty list in a configuration means nowhere."""
    if off:
        return []
    return [default] if found is None else [expand_endpoint(each) for each in found]


def _cameras(texts: list[str]) -> dict[str, SourceSpec]:
    cameras: dict[str, SourceSpec] = {}
    for text in texts:
        default = "cam" if not cameras else f"cam{len(cameras) + 1}"
        name, spec = parse_camera(text, default)
        if name in cameras:
            raise BadArgument(f"there are two cameras {name!r}: give each a name: NAME=SOURCE")
        check_distinct(name, cameras)
        cameras[name] = spec
    return cameras


class _Parser(argparse.ArgumentParser):
    """One that raises, and does not end somebody's program."""

    def error(self, message: str) -> NoReturn:
        raise BadArgument(message)


def options_from(words: Sequence[str]) -> ServeOptions:
    """What ``twistedcam serve`` would be told by these words; the terminal's keys are not its.

    Raises:
        BadArgument: an option will not do.
    """
    parser = _Parser("serve", add_help=False, allow_abbrev=False)
    add_serve_arguments(parser)
    return _without_keys(read_serve_options(parser.parse_args(list(words))))


def _without_keys(options: ServeOptions) -> ServeOptions:
    again = options.again
    later = None if again is None else lambda: _without_keys(again())
    return replace(options, keys=False, again=later)
