"""Server endpoints from strings: Twisted's own, and ``ssl:`` with certificates to reload."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet import ssl
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IOpenSSLContextFactory, IStreamServerEndpoint
from twisted.python.filepath import FilePath
from zope.interface import implementer

from twistedcam.runtime.scheduler import Scheduler
from twistedcam.tls.fingerprint import fingerprint_of
from twistedcam.tls.server_protocol import TLSServerEndpoint

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
#: The keys of an ``ssl:`` endpoint, in the order of values without a key.
_KEYS = (
    "port",
    "privateKey",
    "certKey",
    "sslmethod",
    "interface",
    "backlog",
    "extraCertChain",
    "dhParameters",
    "clientCA",
)


@dataclass(frozen=True)
class LoadedCertificate:
    """A server's certificate and key, read from their files.

    Arguments:
        context: for new connections.
        fingerprint: of the certificate.
    """

    context: SSL.Context
    fingerprint: str


@implementer(IOpenSSLContextFactory)
class ServerCertificate:
    """The certificate of a port. New connections get the one that was loaded last.

    Arguments:
        named: the values of the endpoint's string by key.

    Raises:
        OSError, ValueError, SSL.Error: a file cannot be read, or the files do not match.
    """

    def __init__(self, named: dict[str, str]) -> None:
        self._named = named
        self._loaded = self.read()

    def read(self) -> LoadedCertificate:
        """Read the files. ``use`` puts them to use.

        Raises:
            OSError, ValueError, SSL.Error: as above.
        """
        named = self._named
        key = Path(named.get("privateKey", "server.pem"))
        shown = Path(named.get("certKey", key))
        secret = key.read_bytes()
        if b"ENCRYPTED" in secret:
            raise ValueError(f"the key {key} has a passphrase, which the server cannot ask for")
        try:
            own = ssl.PrivateCertificate.loadPEM(shown.read_bytes() + b"\n" + secret)
        except crypto.Error:
            raise ValueError(
                f"there is no certificate in {shown}, or no private key in {key}"
            ) from None
        more: dict[str, Any] = {"raiseMinimumTo": ssl.TLSVersion.TLSv1_2}
        if "sslmethod" in named:
            more = {"method": getattr(SSL, named["sslmethod"])}
        if "clientCA" in named:
            roots = certificates_in(Path(named["clientCA"]))
            more["trustRoot"] = ssl.trustRootFromCertificates(roots)
        if "dhParameters" in named:
            found = FilePath(named["dhParameters"])
            more["dhParameters"] = ssl.DiffieHellmanParameters.fromFile(found)
        chain = named.get("extraCertChain")
        between = certificates_in(Path(chain)) if chain else certificates_in(shown)[1:]
        options = ssl.CertificateOptions(
            privateKey=own.privateKey.original,
            certificate=own.original,
            extraCertChain=[each.original for each in between] or None,
            **more,
        )
        return LoadedCertificate(
            options.getContext(), fingerprint_of(own.dump(crypto.FILETYPE_ASN1))
        )

    def use(self, loaded: LoadedCertificate) -> bool:
        """Use it for new connections. Return True if it is another certificate than before."""
        is_another = loaded.fingerprint != self._loaded.fingerprint
        self._loaded = loaded
        return is_another

    def getContext(self) -> SSL.Context:
        """Return the context for a new connection (IOpenSSLContextFactory)."""
        return self._loaded.context


def server_endpoint(
    reactor: Any, description: str, scheduler: Scheduler | None = None
) -> tuple[IStreamServerEndpoint, ServerCertificate | None]:
    """Return an endpoint to listen on, and its certificate, if it has one.

    ``ssl:PORT:privateKey=FILE:certKey=FILE:clientCA=FILE`` accepts only clients with a certificate
    that is in the last file or signed by one in it. ``certKey`` may contain intermediate
    certificates after its own. All other forms are Twisted's.

    Arguments:
        scheduler: limits the time that TLS takes.

    Raises:
        Exception: of many kinds: the string is not an endpoint, or a file cannot be read.
    """
    kind, *words = [
        each.replace("\0", ":").replace("\\\\", "\\")
        for each in description.replace("\\:", "\0").split(":")
    ]
    if kind != "ssl":
        return serverFromString(reactor, description), None
    named: dict[str, str] = {}
    for key, word in zip((*_KEYS, *[""] * len(words)), words, strict=False):
        name, equals, value = word.partition("=")
        named[name if equals else key] = value if equals else word
    unknown = set(named) - set(_KEYS)
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r}; the keys are {', '.join(_KEYS)}")
    certificate = ServerCertificate(named)
    endpoint = TLSServerEndpoint(
        reactor,
        int(named["port"]),
        certificate,
        int(named.get("backlog", 50)),
        named.get("interface", ""),
        scheduler,
    )
    return endpoint, certificate


def certificates_in(path: Path) -> list[ssl.Certificate]:
    """Return all certificates of a PEM file. Raises OSError or ValueError if there is none."""
    found = [ssl.Certificate.loadPEM(each) for each in _PEM.findall(path.read_bytes())]
    if not found:
        raise ValueError(f"{path} contains no certificate")
    return found
