"""``twistedcam tls-init``: makes a key and a self-signed certificate."""

from __future__ import annotations

import argparse
import socket
from datetime import UTC, datetime

from twistedcam.errors import BadArgument
from twistedcam.runtime.home import expand_home

EXAMPLE = """examples:
  twistedcam tls-init --name camera.example.net
  twistedcam serve --listen ssl:9530:privateKey=tls/key.pem:certKey=tls/cert.pem --tokens FILE
  twistedcam tls-init --client phone --dir phone    then clientCA=phone/cert.pem in the endpoint"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``tls-init``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    add = parser.add_argument
    add("--dir", metavar="DIR", default="tls", help="the folder for key.pem and cert.pem (tls)")
    add(
        "--name",
        action="append",
        metavar="HOST",
        help="a name or address of the server; may be repeated (default: this machine's)",
    )
    add("--client", metavar="NAME", help="make a certificate that identifies a client")
    add("--days", type=int, default=3650, help="days until it expires (3650)")


def run(arguments: argparse.Namespace) -> int:
    """Make the files and print how to use them; return the exit code."""
    # Imported late: completion and the manual ask only for the options.
    from twistedcam.tls.certificate import CERTIFICATE, KEY, make_certificate

    if not 1 <= arguments.days <= 36500:
        raise BadArgument("--days must be 1 to 36500")
    if arguments.client is not None and arguments.name:
        raise BadArgument("--client and --name cannot be combined")
    folder = expand_home(arguments.dir)
    names = [arguments.client] if arguments.client is not None else _names(arguments.name)
    fingerprint = make_certificate(
        folder, names, datetime.now(UTC), arguments.days, arguments.client is not None
    )
    key, certificate = folder / KEY, folder / CERTIFICATE
    print(f"key:         {key}")
    print(f"certificate: {certificate}")
    print(f"names:       {', '.join(names)}")
    print(f"fingerprint: {fingerprint}")
    if arguments.client is None:
        print(f"listen:      ssl:9530:privateKey={key}:certKey={certificate}")
    return 0


def _names(given: list[str] | None) -> list[str]:
    own = [socket.gethostname(), "localhost", "127.0.0.1", "::1"]
    return list(dict.fromkeys([*(given or []), *own]))
