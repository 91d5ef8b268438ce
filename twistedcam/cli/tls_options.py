"""Options of every program that connects to a server: its token and certificates."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from twistedcam.tls.client import Trust, check_files
from twistedcam.tls.fingerprint import read_fingerprint
from twistedcam.tls.known_servers import users_known_servers

TOKEN_VARIABLE = "TWISTEDCAM_TOKEN"


def add_trust_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--token``, ``--fingerprint``, ``--ca`` and ``--cert``."""
    add = parser.add_argument
    add("--token", help=f"the token for the server (or {TOKEN_VARIABLE} in the environment)")
    add("--fingerprint", metavar="SHA256", help="TLS: the only certificate to accept")
    add("--ca", metavar="FILE", help="TLS: certificates to trust instead of the system's")
    add("--cert", metavar="FILE", help="TLS: this client's own certificate and key, one PEM file")


def read_trust(found: argparse.Namespace, environment: Mapping[str, str]) -> Trust:
    """Return the options for certificates; certificates of new servers are remembered.

    Raises:
        BadArgument: the fingerprint is invalid, or a file of certificates cannot be read.
    """
    fingerprint = None if found.fingerprint is None else read_fingerprint(found.fingerprint)
    trust = Trust(fingerprint, found.ca, users_known_servers(environment), found.cert, _print_note)
    if found.ca is not None or found.cert is not None:
        check_files(trust)
    return trust


def read_token(found: argparse.Namespace, environment: Mapping[str, str]) -> str | None:
    """Return the token from the options or the environment, or None."""
    token: str | None = found.token or environment.get(TOKEN_VARIABLE)
    return token


def _print_note(text: str) -> None:
    print(f"twistedcam: {text}", file=sys.stderr, flush=True)
