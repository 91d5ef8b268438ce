"""``twistedcam user``: adds, removes and lists users of the page."""

from __future__ import annotations

import argparse
import getpass
import sys
import time

from twistedcam.auth import RIGHTS, Grant, TokenFile
from twistedcam.auth.expiry import as_local_time
from twistedcam.auth.users import ROLES, check_password, role_of
from twistedcam.cli.token import add_file_commands, expiry_of
from twistedcam.errors import BadArgument
from twistedcam.runtime.home import expand_home
from twistedcam.util.camera_name import check_name

EXAMPLE = """examples:
  twistedcam user add anna --role control
  twistedcam user add guest --role view --camera porch --expires 30d
  twistedcam user passwd anna
  twistedcam serve --tokens tokens.toml --http 0.0.0.0:8080

The password is asked for, or read from standard input if that is no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of ``user``."""
    commands, file = add_file_commands(parser, EXAMPLE)
    add = commands.add_parser("add", parents=[file], help="add a user, and ask for the password")
    add.add_argument("name", metavar="NAME", help="letters, digits, - and _")
    add.add_argument(
        "--role",
        choices=list(ROLES),
        default="view",
        help="view: see and hear; control: also give commands; admin: also stop and reconfigure "
        "the server (view)",
    )
    add.add_argument(
        "--camera", action="append", metavar="CAMERA", help="only for this camera; may be repeated"
    )
    add.add_argument("--expires", metavar="WHEN", help="when it expires: 30d, 12h, or a date")
    remove = commands.add_parser("remove", parents=[file], help="remove a user")
    remove.add_argument("name", metavar="NAME")
    change = commands.add_parser("passwd", parents=[file], help="change a user's password")
    change.add_argument("name", metavar="NAME")
    commands.add_parser("list", parents=[file], help="list names, roles, cameras and expiry")


def run(arguments: argparse.Namespace) -> int:
    """Execute the command; return the exit code."""
    file = TokenFile(expand_home(arguments.tokens))
    if arguments.what == "add":
        cameras = None
        if arguments.camera is not None:
            cameras = frozenset(check_name(name) for name in arguments.camera)
        expires = expiry_of(arguments.expires, time.time())
        file.add_user(
            Grant(arguments.name, ROLES[arguments.role], cameras, expires), _read_password()
        )
    elif arguments.what == "passwd":
        if arguments.name not in file.read_all().users:
            raise BadArgument(f"there is no user {arguments.name!r} in {file.path}")
        file.set_password(arguments.name, _read_password())
    elif arguments.what == "remove":
        file.remove_user(arguments.name)
    else:
        for each in file.read_all().users.values():
            print(_show(each.grant, time.time()))
    return 0


def _read_password() -> str:
    """Return a password: typed twice on a terminal, or the first line of standard input.

    Raises:
        BadArgument: it is too short or too long, or the two differ.
    """
    if not sys.stdin.isatty():
        return check_password(sys.stdin.readline().rstrip("\r\n"))
    password = check_password(getpass.getpass("Password: "))
    if getpass.getpass("The same again: ") != password:
        raise BadArgument("the two passwords are not the same: nothing has changed")
    return password


def _show(grant: Grant, now: float) -> str:
    rights = ",".join(right for right in RIGHTS if right in grant.rights) or "none"
    role = role_of(grant)
    cameras = "all" if grant.cameras is None else ",".join(sorted(grant.cameras))
    line = f"{grant.name}  {f'role={role}' if role else f'rights={rights}'}  cameras={cameras}"
    if grant.expires is None:
        return line
    over = " (it has expired)" if grant.has_expired(now) else ""
    return f"{line}  expires={as_local_time(grant.expires)}{over}"
