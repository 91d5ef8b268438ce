"""``twistedcam view``: its options, and which kind of viewer they ask for."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import Any

from client.views import View
from twistedcam.errors import BadArgument
from twistedcam.viewing import Target, parse_target
from twistedcam.viewing.target import DEFAULT_URL

EXAMPLES = """examples:
  twistedcam view                                    this machine's first camera
  twistedcam view twistedcam://host/door host/yard   two cameras in a grid
  twistedcam view --headless --frames 100 --save out"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``view``."""
    add = parser.add_argument
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    add("url", nargs="*", default=[DEFAULT_URL], help=f"cameras ({DEFAULT_URL})")
    add("--headless", action="store_true", help="no window: count, save, record")
    add("--frames", type=int, metavar="N", help="end after N frames")
    add("--save", type=Path, metavar="DIR", help="write every frame shown there, as a JPEG file")
    add("--stats", nargs="?", const="line", choices=("line", "json"), help="figures every second")
    add("--fps", type=float, metavar="N", help="at most N frames a second")
    add("--token", help="what opens the camera (or TWISTEDCAM_TOKEN in the environment)")
    add("--once", action="store_true", help="end when the connection is lost, with 1")


def run(arguments: argparse.Namespace) -> int:
    """View until the end; the exit code."""
    targets = read_targets(arguments)
    if arguments.frames is not None and arguments.frames < 1:
        raise BadArgument("--frames has to be at least 1")
    signal.signal(signal.SIGTERM, _interrupt)
    views = [View(target, reconnect=not arguments.once) for target in targets]
    from client.headless import run_headless

    return run_headless(views, arguments.frames, arguments.save, arguments.stats)


def read_targets(arguments: argparse.Namespace) -> list[Target]:
    """The cameras to show."""
    if arguments.fps is not None and not arguments.fps > 0:
        raise BadArgument("--fps has to be more than 0")
    token = arguments.token or os.environ.get("TWISTEDCAM_TOKEN")
    return [parse_target(url).with_options(arguments.fps, token) for url in arguments.url]


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
