"""Finds the command and runs it; turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from twistedcam.cli import stdio as streams
from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.runtime.signals import EarlySignals
from twistedcam.util.one_line import on_one_line
from twistedcam.version import __version__

#: Command, module with ``add_arguments(parser)`` and ``run(arguments) -> exit code``, and one line.
#: The viewer and the tray are programs of their own, on this package's public side: they are named
#: here and imported only when asked for.
COMMANDS = (
    ("serve", "twistedcam.cli.serve", "the server, in the foreground"),
    ("ctl", "twistedcam.cli.ctl", "one command to a server, or a prompt for many"),
    ("devices", "twistedcam.cli.devices", "the cameras of this machine, and what they can do"),
    ("publish", "twistedcam.cli.publish", "push a camera of this machine to a server"),
    ("view", "client.main", "show a camera in a window, or save its frames"),
    ("tls-init", "twistedcam.cli.tls_init", "make a key and a certificate for encrypted ports"),
    ("token", "twistedcam.cli.token", "make, list and remove the tokens that open a server"),
    ("tray", "tray.main", "the camera in a corner of the screen"),
)

EPILOG = "'twistedcam COMMAND --help' explains one. Example: twistedcam serve --camera webcam:0"


class Parser(argparse.ArgumentParser):
    """One whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"twistedcam: {message}; '{self.prog} --help' explains\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; its exit code: 0 all went well, 1 the work failed, 2 called wrongly."""
    streams.prepare()
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = Parser("twistedcam", description="A camera server.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"twistedcam {__version__}")
    chosen = parser
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module, summary in COMMANDS:
        command = commands.add_parser(name, help=summary, description=f"{name}: {summary}.")
        if words[:1] == [name]:  # only what is asked for is imported
            early = EarlySignals() if name == "serve" else None
            program = importlib.import_module(module)
            program.add_arguments(command)
            command.set_defaults(run=program.run, early=early)
            chosen = command
    try:
        found, unknown = parser.parse_known_args(words)
        if unknown:
            chosen.error(_unknown(unknown[0], words[0]))
    except SystemExit as end:  # help was asked for, or something is wrong
        raise SystemExit(streams.finish(int(end.code or 0))) from None
    return streams.finish(run_command(found.run, found))


#: What people type who know other servers, and what it is here.
_ELSEWHERE = {
    "--port": "--http 8080 for the page, --listen 9530 for the frame port",
    "-p": "--http 8080 for the page, --listen 9530 for the frame port",
    "--host": "--http 0.0.0.0:8080 lets other machines in, with --tokens tokens.toml",
    "--bind": "--http 0.0.0.0:8080 lets other machines in, with --tokens tokens.toml",
    "--address": "--http 0.0.0.0:8080 lets other machines in, with --tokens tokens.toml",
    "--device": "--camera /dev/video0",
    "--input": "--camera SOURCE",
    "--source": "--camera SOURCE",
    "--url": "--camera rtsp://HOST/…",
    "--resolution": "--camera 'webcam:0?size=1280x720'",
    "--size": "--camera 'webcam:0?size=1280x720'",
    "--fps": "--camera 'webcam:0?fps=15'",
    "--framerate": "--camera 'webcam:0?fps=15'",
    "--output": "--recordings DIR",
    "--token": "--tokens FILE, and 'twistedcam token add NAME' puts tokens into it",
    "--password": "--tokens FILE, and 'twistedcam token add NAME' puts tokens into it",
    "--verbose": "--log-level debug",
    "-v": "--log-level debug",
    "--debug": "--log-level debug",
}


def _unknown(option: str, command: str) -> str:
    """The words for an option that a command does not have."""
    name = option.partition("=")[0]
    hint = f": use {_ELSEWHERE[name]}" if command == "serve" and name in _ELSEWHERE else ""
    return f"unknown option {name!r}{hint}"


def run_command(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a command; its errors become one line on standard error, never a traceback."""
    try:
        return run(arguments)
    except BadArgument as error:
        return _say(error, 2)
    except TwistedcamError as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.filename is None:
            return streams.lost(error)
        print(f"twistedcam: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1


def _say(error: TwistedcamError, code: int) -> int:
    print(f"twistedcam: {on_one_line(str(error))}", file=sys.stderr)  # it may be a server's text
    return code
