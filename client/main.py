"""``twistedcam view``: its options, and the screen that they select."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client.actions import KeyActions
from client.files import make_folder
from client.loop import ProgressReports, run_loop, summarise
from client.option_parsing import Cameras, OptionalWord
from client.screens import NoScreen, Screen
from client.sound import SoundPlayer, print_hint
from client.steering import RemoteControl, parse_control
from client.views import CODECS, SOUND_CODECS, View
from twistedcam.cli.tls_options import add_trust_arguments, read_token, read_trust
from twistedcam.clients.frames import CameraAddress, parse_target
from twistedcam.clients.frames.address import DEFAULT_URL
from twistedcam.errors import BadArgument

EXAMPLES = """keys: space start, s stop, r record here, e end, S snapshot here, m sound off and on,
+ - volume, i figures, f full screen, q quit; with --control the same with Ctrl control the server

examples:
  twistedcam view                                    this machine's first camera
  twistedcam view twistedcam://host/door host/yard   two cameras, side by side
  twistedcam view --headless --frames 100 --save out"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Make the parser of ``view``."""
    add = parser.add_argument
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    add(
        "url",
        nargs="*",
        metavar="URL",
        action=Cameras,
        default=[],
        help=f"cameras ({DEFAULT_URL})",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--headless", action="store_true", help="no window: count, save, record")
    where.add_argument("--terminal", action="store_true", help="show in the terminal")
    add("--full-screen", action="store_true", help="begin with the whole screen")
    add("--frames", type=int, metavar="N", help="end after N frames")
    add("--no-sound", action="store_true", help="play no sound")
    add("--save", type=Path, metavar="DIR", help="write every frame shown there, as JPEG")
    add("--record", type=Path, metavar="FILE", help="record here, to FILE (.mkv, .avi)")
    add(
        "--stats",
        action=OptionalWord,
        const="line",
        words=("line", "json"),
        metavar="line|json",
        help="figures every second",
    )
    add("--fps", type=float, metavar="N", help="at most N frames a second, 0.001 to 1000")
    add_trust_arguments(parser)
    add(
        "--control",
        action=OptionalWord,
        const="",
        metavar="ENDPOINT",
        help="control the server with Ctrl and a key (HOST:9531)",
    )
    add("--once", action="store_true", help="exit with code 1 when the connection is lost")


def run(arguments: argparse.Namespace) -> int:
    """Run the viewer and return its exit code."""
    targets = read_targets(arguments)
    if arguments.frames is not None and arguments.frames < 1:
        raise BadArgument("--frames must be at least 1")
    if arguments.record is not None and len(targets) > 1:
        raise BadArgument("--record is for one camera: the key 'r' records several")
    signal.signal(signal.SIGTERM, _interrupt)
    make_folder(arguments.save)
    # A picture that is saved unchanged has to come as JPEG.
    codecs = CODECS if arguments.save is None else ("mjpeg",)
    has_sound = not (arguments.no_sound or arguments.headless or arguments.terminal)
    if arguments.record is not None and not arguments.no_sound:
        codecs = (*codecs, *recorded_sound(arguments.record))
    elif has_sound:
        codecs = (*codecs, *SOUND_CODECS)
    views = [View(target, not arguments.once, codecs) for target in targets]
    began, complete = time.monotonic(), arguments.frames is None
    try:
        with contextlib.ExitStack() as stack:
            for view in views:
                stack.callback(view.close)
            screen = make_screen(arguments)
            stack.callback(screen.close)
            actions = KeyActions(views, arguments.save or Path(), screen.toggle_full_screen)
            if has_sound:
                add_sound(views, actions)
            actions.steerings.update(make_steerings(arguments, views, actions.say))
            for steering in set(actions.steerings.values()):
                stack.callback(steering.close)
            reports = ProgressReports(views, arguments.stats, tell_states=not arguments.terminal)
            if arguments.record is not None:
                views[0].record(arguments.record, arguments.frames)
            complete = run_loop(views, screen, actions, reports, arguments.frames, arguments.save)
    except KeyboardInterrupt:
        pass
    finally:
        if arguments.stats != "json":
            summarise(views, time.monotonic() - began)
    if not complete:
        print("twistedcam: ended before all frames had come", file=sys.stderr)
    return 0 if complete else 1


def make_screen(arguments: argparse.Namespace) -> Screen:
    """Return the selected screen.

    Raises:
        StartupError: it is not available.
    """
    if arguments.headless:
        return NoScreen()
    if arguments.terminal:
        from client.terminal import TerminalKeys

        return TerminalKeys()
    from client.window import Window

    return Window(arguments.full_screen)


def recorded_sound(path: Path) -> tuple[str, ...]:
    """Return the codecs of sound that a file can have, and the viewer can get."""
    from twistedcam.recording.containers import CONTAINERS  # it loads much

    container = CONTAINERS.get(path.suffix.lower())
    sounds = () if container is None else container.sounds
    return tuple(each for each in sounds if each in SOUND_CODECS)


def add_sound(views: list[View], actions: KeyActions) -> None:
    """Play the sound of the cameras; of several, after the key ``m``."""

    shown: list[str] = []

    def on_failed(text: str) -> None:
        actions.say(text)
        if not shown:
            shown.append(text)
            print_hint(text)

    for view in views:
        view.sound = SoundPlayer(on_failed)
        view.sound.is_muted = len(views) > 1


def make_steerings(
    arguments: argparse.Namespace, views: list[View], answered: Callable[[str], None]
) -> dict[View, RemoteControl]:
    """Return a control connection for each view, one for each server, if requested."""
    if arguments.control is None:
        return {}
    token, made, ways = read_token(arguments, os.environ), dict[Any, RemoteControl](), {}
    for view in views:
        endpoint = parse_control(arguments.control, view.target)
        opener = view.target.token or token
        if (endpoint, opener) not in made:
            made[endpoint, opener] = RemoteControl(endpoint, opener, view.target.trust, answered)
        ways[view] = made[endpoint, opener]
    return ways


def read_targets(arguments: argparse.Namespace) -> list[CameraAddress]:
    """Return the addresses of the cameras to show."""
    token = read_token(arguments, os.environ)
    trust = read_trust(arguments, os.environ)
    urls = arguments.url or [DEFAULT_URL]
    return [parse_target(url).with_options(arguments.fps, token, trust) for url in urls]


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
