"""Server endpoints by their strings: Twisted's, and ``clientCA=`` for ``ssl:``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twisted.internet import ssl
from twisted.internet.endpoints import SSL4ServerEndpoint, serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KNOWN = frozenset(
    {"port", "interface", "backlog", "privateKey", "certKey", "extraCertChain", "clientCA"}
)


def server_endpoint(reactor: Any, description: str) -> IStreamServerEndpoint:
    """An endpoint to listen on.

    ``ssl:PORT:privateKey=FILE:certKey=FILE:clientCA=FILE`` lets in those alone who show a
    certificate that is in the last file, or was signed by one in it; all else is Twisted's own.

    Raises:
        Exception: of many kinds: that is no endpoint, or a file cannot be read.
    """
    words = [
        each.replace("\0", ":").replace("\\\\", "\\")
        for each in description.replace("\\:", "\0").split(":")
    ]
    named = dict(each.split("=", 1) for each in words[1:] if "=" in each)
    if words[0] != "ssl" or "clientCA" not in named:
        plain: IStreamServerEndpoint = serverFromString(reactor, description)
        return plain
    named.setdefault("port", words[1])
    unknown = set(named) - _KNOWN
    if unknown:
        raise ValueError(f"with clientCA there is no {min(unknown)!r}")
    key = Path(named.get("privateKey", "server.pem"))
    own = ssl.PrivateCertificate.loadPEM(
        Path(named.get("certKey", key)).read_bytes() + b"\n" + key.read_bytes()
    )
    roots = certificates_in(Path(named["clientCA"]))
    chain = named.get("extraCertChain")
    options = ssl.CertificateOptions(
        privateKey=own.privateKey.original,
        certificate=own.original,
        extraCertChain=[each.original for each in certificates_in(Path(chain))] if chain else None,
        trustRoot=ssl.trustRootFromCertificates(roots),
        raiseMinimumTo=ssl.TLSVersion.TLSv1_2,
    )
    return SSL4ServerEndpoint(
        reactor,
        int(named["port"]),
        options,
        int(named.get("backlog", 50)),
        named.get("interface", ""),
    )


def certificates_in(path: Path) -> list[ssl.Certificate]:
    """All certificates of a PEM file; raises OSError or ValueError if there is none."""
    found = [ssl.Certificate.loadPEM(each) for each in _PEM.findall(path.read_bytes())]
    if not found:
        raise ValueError(f"there is no certificate in {path}")
    return found
