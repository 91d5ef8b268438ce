"""Options of every program that connects to a server: what opens it, and how it is known."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from twistedcam.tls.client import Trust, check_files
from twistedcam.tls.fingerprint import read_fingerprint
from twistedcam.tls.known_servers import KnownServers, default_path

TOKEN_VARIABLE = "TWISTEDCAM_TOKEN"


def add_trust_arguments(parser: argparse.ArgumentParser) -> None:
    """``--token``, ``--fingerprint``, ``--ca`` and ``--cert``."""
    add = parser.add_argument
    add("--token", help=f"what opens the server (or {TOKEN_VARIABLE} in the environment)")
    add("--fingerprint", metavar="SHA256", help="TLS: the only certificate that is taken")
    add("--ca", metavar="FILE", help="TLS: certificates to trust instead of the system's")
    add("--cert", metavar="FILE", help="TLS: this client's own certificate and key, one PEM file")


def read_trust(found: argparse.Namespace, environment: Mapping[str, str]) -> Trust:
    """What was said of certificates. A server met first is remembered by what it showed.

    Raises:
        BadArgument: that is no fingerprint, or a file of certificates cannot be read.
    """
    fingerprint = None if found.fingerprint is None else read_fingerprint(found.fingerprint)
    known_servers = KnownServers(default_path(dict(environment)))
    trust = Trust(fingerprint, found.ca, known_servers, found.cert, _tell)
    if found.ca is not None or found.cert is not None:
        check_files(trust)
    return trust


def read_token(found: argparse.Namespace, environment: Mapping[str, str]) -> str | None:
    """The token that was given, or None."""
    token: str | None = found.token or environment.get(TOKEN_VARIABLE)
    return token


def _tell(text: str) -> None:
    print(f"twistedcam: {text}", file=sys.stderr, flush=True)
