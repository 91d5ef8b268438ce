"""Finds the command and runs it; turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.runtime.signals import EarlySignals
from twistedcam.util.one_line import on_one_line
from twistedcam.version import __version__

#: Command, module with ``add_arguments(parser)`` and ``run(arguments) -> exit code``, and summary.
#: The viewer and the tray are separate programs that use this package: they are imported only when
#: they are run.
COMMANDS = (
    ("serve", "twistedcam.cli.serve", "run the server in the foreground"),
    ("ctl", "twistedcam.cli.ctl", "send a command to a server, or open a prompt"),
    ("devices", "twistedcam.cli.devices", "list the cameras of this machine and their formats"),
    ("doctor", "twistedcam.cli.doctor", "say what this machine can do, and what is missing"),
    ("service", "twistedcam.cli.service", "install or remove the server as a service"),
    ("publish", "twistedcam.cli.publish", "push a camera of this machine to a server"),
    ("view", "client.main", "show a camera in a window, or save its frames"),
    ("tls-init", "twistedcam.cli.tls_init", "make a key and a certificate for encrypted ports"),
    ("token", "twistedcam.cli.token", "add, list and remove the tokens of a server"),
    ("user", "twistedcam.cli.user", "add, list and remove users of the page, with passwords"),
    ("tray", "tray.main", "show a camera in the system tray"),
    ("completion", "twistedcam.cli.shell_completion", "print a script that completes commands"),
    ("version", "twistedcam.cli.version_check", "print the version, or look for a newer one"),
    ("man", "twistedcam.cli.manual", "print the manual page"),
)

EPILOG = (
    "'twistedcam COMMAND --help' explains a command. Example: twistedcam serve --camera webcam:0"
)


class Parser(argparse.ArgumentParser):
    """Reports errors on one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"twistedcam: {message}; '{self.prog} --help' explains\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Returns:
        The exit code: 0 for success, 1 for a failure, 2 for wrong arguments.
    """
    _prepare_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = Parser("twistedcam", description="A camera server.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"twistedcam {__version__}")
    chosen = parser
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module, summary in COMMANDS:
        command = commands.add_parser(name, help=summary, description=f"{name}: {summary}.")
        if words[:1] == [name]:  # other commands are not imported
            early = EarlySignals() if name == "serve" else None
            program = importlib.import_module(module)
            program.add_arguments(command)
            command.set_defaults(run=program.run, early=early)
            chosen = command
    try:
        found, unknown = parser.parse_known_args(words)
        if unknown:
            chosen.error(_unknown(unknown[0], words[0]))
    except SystemExit as end:  # after --help, or for a wrong argument
        raise SystemExit(_finish_output(int(end.code or 0))) from None
    return _finish_output(run_command(found.run, found))


#: Options of other servers, and their equivalents.
_OTHER_OPTIONS = {
    "--port": "--http 8080 for the page, --listen 9530 for the frame port",
    "-p": "--http 8080 for the page, --listen 9530 for the frame port",
    "--host": "--http 0.0.0.0:8080 for other machines, with --tokens tokens.toml",
    "--bind": "--http 0.0.0.0:8080 for other machines, with --tokens tokens.toml",
    "--address": "--http 0.0.0.0:8080 for other machines, with --tokens tokens.toml",
    "--device": "--camera /dev/video0",
    "--input": "--camera SOURCE",
    "--source": "--camera SOURCE",
    "--url": "--camera rtsp://HOST/…",
    "--resolution": "--camera 'webcam:0?size=1280x720'",
    "--size": "--camera 'webcam:0?size=1280x720'",
    "--fps": "--camera 'webcam:0?fps=15'",
    "--framerate": "--camera 'webcam:0?fps=15'",
    "--output": "--recordings DIR",
    "--token": "--tokens FILE; 'twistedcam token add NAME' adds a token to it",
    "--password": "--tokens FILE; 'twistedcam token add NAME' adds a token to it",
    "--verbose": "--log-level debug",
    "-v": "--log-level debug",
    "--debug": "--log-level debug",
}


def _unknown(option: str, command: str) -> str:
    """Return the error for an option that a command does not have."""
    name = option.partition("=")[0]
    other = _OTHER_OPTIONS.get(name) if command == "serve" else None
    hint = f": use {other}" if other else ""
    return f"unknown option {name!r}{hint}"


def run_command(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a command and return the exit code; write an error as one line to standard error."""
    try:
        return run(arguments)
    except BadArgument as error:
        return _report(error, 2)
    except TwistedcamError as error:
        return _report(error, 1)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.filename is None:
            return _output_failed(error)
        print(f"twistedcam: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1


def _report(error: TwistedcamError, code: int) -> int:
    print(
        f"twistedcam: {on_one_line(str(error))}", file=sys.stderr
    )  # the text may come from a server
    return code


def _prepare_streams() -> None:
    """Open the standard streams that a shell has closed (``>&-``), and escape characters that the
    encoding lacks.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _finish_output(code: int) -> int:
    """Flush standard output; return the exit code, or 1 if that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _output_failed(error, code)
    except ValueError:  # it is closed
        pass
    return code


def _output_failed(error: OSError, code: int = 0) -> int:
    """Report that the output cannot be written, and return the exit code.

    A closed pipe (``| head``) is not reported. The output is replaced, because Python would write
    the rest at exit and fail again.
    """
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"twistedcam: cannot write: {error.strerror or error}", file=sys.stderr)
    return code or 1
