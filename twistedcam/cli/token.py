"""``twistedcam token``: the file of tokens."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from twistedcam.auth import RIGHTS, Grant, TokenFile
from twistedcam.sources.spec import check_name

TOKENS = "tokens.toml"
EXAMPLE = """examples:
  twistedcam token add phone --right view
  twistedcam token add porch-pi --right publish --camera porch
  twistedcam serve --tokens tokens.toml --listen tcp:9530"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The commands of ``token``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="what")
    file = argparse.ArgumentParser(add_help=False)
    file.add_argument("--tokens", metavar="FILE", default=TOKENS, help=f"the file ({TOKENS})")
    add = commands.add_parser("add", parents=[file], help="make one; it is shown this once")
    add.add_argument("name", metavar="NAME", help="whose it is: letters, digits, - and _")
    add.add_argument(
        "--right",
        action="append",
        choices=RIGHTS,
        required=True,
        help="see pictures, give commands, or be a camera's source; again for more",
    )
    add.add_argument(
        "--camera", action="append", metavar="CAMERA", help="for that camera only; again for more"
    )
    remove = commands.add_parser("remove", parents=[file], help="take one back")
    remove.add_argument("name", metavar="NAME")
    commands.add_parser("list", parents=[file], help="names and rights")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; the exit code."""
    file = TokenFile(Path(arguments.tokens).expanduser())
    if arguments.what == "add":
        cameras = None
        if arguments.camera is not None:
            cameras = frozenset(check_name(name) for name in arguments.camera)
        token = file.add(Grant(arguments.name, frozenset(arguments.right), cameras))
        print(f"{file.path} has its hash; the token is kept nowhere:", file=sys.stderr, flush=True)
        print(token)
    elif arguments.what == "remove":
        file.remove(arguments.name)
    else:
        for each in file.read().values():
            print(_show(each.grant))
    return 0


def _show(grant: Grant) -> str:
    rights = ",".join(right for right in RIGHTS if right in grant.rights)
    cameras = "all" if grant.cameras is None else ",".join(sorted(grant.cameras))
    return f"{grant.name}  rights={rights}  cameras={cameras}"
