"""What a server is told at its start: one set of options for the program and the twistd plugin."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from twistedcam.errors import BadArgument
from twistedcam.sources.spec import SourceSpec, parse_camera

FRAME_ENDPOINT = "tcp:9530:interface=127.0.0.1"
CONTROL_ENDPOINT = "tcp:9531:interface=127.0.0.1"
HTTP_ENDPOINT = "tcp:8080:interface=127.0.0.1"
LOG_LEVELS = ("debug", "info", "warn", "error", "critical")


@dataclass
class ServeOptions:
    """A server's options, checked."""

    cameras: dict[str, SourceSpec] = field(default_factory=dict)
    listen: list[str] = field(default_factory=list)
    control: list[str] = field(default_factory=list)
    http: list[str] = field(default_factory=list)
    recordings: Path = Path("recordings")
    stopped: bool = False
    keys: bool | None = None
    insecure: bool = False
    log_json: bool = False
    log_level: str = "info"


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``serve``."""
    add = parser.add_argument
    add(
        "--camera",
        metavar="[NAME=]SOURCE",
        action="append",
        help="a camera; again for more (auto:)",
    )
    add("--listen", metavar="ENDPOINT", action="append", help=f"frame port ({FRAME_ENDPOINT})")
    add("--control", metavar="ENDPOINT", action="append", help=f"control port ({CONTROL_ENDPOINT})")
    add("--no-listen", action="store_true", help="no frame port")
    add("--no-control", action="store_true", help="no control port")
    add(
        "--recordings",
        metavar="DIR",
        default="recordings",
        help="folder for recordings (%(default)s)",
    )
    add("--stopped", action="store_true", help="begin with the stream stopped")
    add("--insecure", action="store_true", help="allow ports beyond this machine without tokens")
    add("--log-json", action="store_true", help="log as JSON lines")
    add("--log-level", choices=LOG_LEVELS, default="info", help="least level to log (%(default)s)")


def read_serve_options(found: argparse.Namespace) -> ServeOptions:
    """Check what the parser found.

    Raises:
        BadArgument: it will not do.
    """
    if found.no_listen and found.listen:
        raise BadArgument("--listen and --no-listen: one or the other")
    if found.no_control and found.control:
        raise BadArgument("--control and --no-control: one or the other")
    return ServeOptions(
        cameras=_cameras(found.camera or ["auto:"]),
        listen=[] if found.no_listen else found.listen or [FRAME_ENDPOINT],
        control=[] if found.no_control else found.control or [CONTROL_ENDPOINT],
        recordings=Path(found.recordings).expanduser().absolute(),
        stopped=found.stopped,
        insecure=found.insecure,
        log_json=found.log_json,
        log_level=found.log_level,
    )


def _cameras(texts: list[str]) -> dict[str, SourceSpec]:
    cameras: dict[str, SourceSpec] = {}
    for text in texts:
        default = "cam" if not cameras else f"cam{len(cameras) + 1}"
        name, spec = parse_camera(text, default)
        if name in cameras:
            raise BadArgument(f"there are two cameras {name!r}: give each a name: NAME=SOURCE")
        cameras[name] = spec
    return cameras
