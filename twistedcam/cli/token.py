"""``twistedcam token``: adds, removes and lists tokens."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from twistedcam.auth import RIGHTS, Grant, Token, TokenFile
from twistedcam.auth.expiry import FORMS, as_local_time, read_expiry
from twistedcam.errors import BadArgument
from twistedcam.runtime.home import expand_home
from twistedcam.util.camera_name import check_name
from twistedcam.util.quantities import seconds

TOKENS = "tokens.toml"
EXAMPLE = """examples:
  twistedcam token add phone --right view --right listen
  twistedcam token add phone --right view --qr http://192.168.1.5:8080/
  twistedcam token add guest --right view --expires 30d
  twistedcam token add porch-pi --right publish --camera porch
  twistedcam token add my-phone --right publish --camera phone --qr https://192.168.1.5:8443/
  twistedcam serve --tokens tokens.toml --listen tcp:9530"""


def add_file_commands(
    parser: argparse.ArgumentParser, examples: str
) -> tuple[Any, argparse.ArgumentParser]:
    """Return the group of commands of a parser, and the parent parser that names their file.

    Arguments:
        examples: shown at the end of the help.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = examples
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="what")
    file = argparse.ArgumentParser(add_help=False)
    file.add_argument("--tokens", metavar="FILE", default=TOKENS, help=f"the file ({TOKENS})")
    return commands, file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of ``token``."""
    commands, file = add_file_commands(parser, EXAMPLE)
    add = commands.add_parser("add", parents=[file], help="make a token; it is shown only once")
    add.add_argument("name", metavar="NAME", help="the owner's name: letters, digits, - and _")
    add.add_argument(
        "--right",
        action="append",
        choices=RIGHTS,
        required=True,
        help="see pictures, hear sound, execute commands, be a camera's source, or stop and reload "
        "the server; may be repeated",
    )
    add.add_argument(
        "--camera", action="append", metavar="CAMERA", help="only for this camera; may be repeated"
    )
    add.add_argument(
        "--expires",
        metavar="WHEN",
        help="when it expires: 30d, 12h, a date (2027-01-31: the end of that day), or a time",
    )
    add.add_argument(
        "--digest",
        action="store_true",
        help="keep the token itself in the file: RTSP clients that know no Basic, only Digest "
        "authentication, need that",
    )
    add.add_argument(
        "--qr",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="show the address that opens the page with this token, and its QR code; ADDRESS is "
        "that of the page (by default this computer's, with port 8080); with the right publish "
        "and without view, it opens the page that makes a phone a camera",
    )
    remove = commands.add_parser("remove", parents=[file], help="remove a token")
    remove.add_argument("name", metavar="NAME")
    commands.add_parser("list", parents=[file], help="list names, rights, cameras and expiry")


def run(arguments: argparse.Namespace) -> int:
    """Execute the command; return the exit code."""
    file = TokenFile(expand_home(arguments.tokens))
    if arguments.what == "add":
        if arguments.qr is not None:
            from twistedcam.cli import token_address

            page = token_address.page_address(arguments.qr)
        cameras = None
        if arguments.camera is not None:
            cameras = frozenset(check_name(name) for name in arguments.camera)
        rights, expires = frozenset(arguments.right), expiry_of(arguments.expires, time.time())
        grant = Grant(arguments.name, rights, cameras, expires)
        token = file.add(grant, keep=arguments.digest)
        stored = "this token itself" if arguments.digest else "only a hash of this token"
        print(f"{file.path} stores {stored}:", file=sys.stderr, flush=True)
        print(token)
        if arguments.qr is not None:
            token_address.show_address(page, token_address.page_path(grant), token)
    elif arguments.what == "remove":
        file.remove(arguments.name)
    else:
        for each in file.read().values():
            print(_show(each, time.time()))
    return 0


def expiry_of(text: str | None, now: float) -> float | None:
    """Return the UNIX time at which a token expires, from ``30d`` or a date.

    Raises:
        BadArgument: it is neither, or in the past.
    """
    if text is None:
        return None
    try:
        return now + seconds(text, "--expires")
    except BadArgument:
        pass
    try:
        expires = read_expiry(text)
    except BadArgument:
        raise BadArgument(f"--expires {text!r}: write 30d, 12h, or a date: {FORMS}") from None
    if expires <= now:
        raise BadArgument(f"--expires {text!r} is in the past: it was {as_local_time(expires)}")
    return expires


def _show(token: Token, now: float) -> str:
    grant = token.grant
    rights = ",".join(right for right in RIGHTS if right in grant.rights) or "none"
    cameras = "all" if grant.cameras is None else ",".join(sorted(grant.cameras))
    line = f"{grant.name}  rights={rights}  cameras={cameras}"
    if token.text is not None:  # the file has the token itself: Digest is possible with it
        line += "  digest"
    if grant.expires is None:
        return line
    over = " (it has expired)" if grant.has_expired(now) else ""
    return f"{line}  expires={as_local_time(grant.expires)}{over}"
