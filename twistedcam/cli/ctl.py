"""``twistedcam ctl``: one command to a server's control port, or a prompt."""

from __future__ import annotations

import argparse
import os
import sys

from twistedcam.cli.colours import Styler
from twistedcam.cli.console import Console
from twistedcam.cli.prompt import run_prompt
from twistedcam.cli.tls_options import add_trust_arguments, read_token, read_trust
from twistedcam.clients.control.blocking import DEFAULT_ENDPOINT

EXAMPLE = (
    "Examples: twistedcam ctl status · twistedcam ctl record start cam · "
    "twistedcam ctl --json viewers · twistedcam ctl watch · twistedcam ctl help"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``ctl``."""
    parser.usage = "twistedcam ctl [-h] [--connect ENDPOINT] [--token TOKEN] [--json] [COMMAND …]"
    parser.epilog = EXAMPLE
    parser.add_argument(
        "--connect",
        metavar="ENDPOINT",
        default=DEFAULT_ENDPOINT,
        help="the control port: HOST:PORT, tls:HOST:PORT or unix:PATH (%(default)s)",
    )
    add_trust_arguments(parser)
    parser.add_argument("--json", action="store_true", help="show answers and events as JSON")
    parser.add_argument(
        "command",
        metavar="COMMAND",
        nargs=argparse.REMAINDER,
        help="a command and its words ('help' lists them); none: a prompt",
    )


def run(arguments: argparse.Namespace) -> int:
    """Carry out the command, or ask for some; the exit code."""
    words = list(arguments.command)
    if "--json" in words:  # it may stand behind the command too: no command has such an option
        words.remove("--json")
        arguments.json = True
    if words[:1] == ["--"]:
        del words[0]
    styler = Styler.on(sys.stdout, dict(os.environ))
    trust, token = read_trust(arguments, os.environ), read_token(arguments, os.environ)
    console = Console(arguments.connect, token, arguments.json, styler=styler, trust=trust)
    try:
        return console.run(words) if words else run_prompt(console)
    finally:
        console.close()
