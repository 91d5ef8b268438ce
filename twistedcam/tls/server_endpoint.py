"""Server endpoints by their strings: Twisted's, and ``ssl:`` with files that can be read again."""

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
#: What an ``ssl:`` endpoint can be told, in the order in which values without a key are taken.
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
    """A server's certificate with its key, as they were read.

    Arguments:
        context: what new connections are made with.
        fingerprint: the certificate's.
    """

    context: SSL.Context
    fingerprint: str


@implementer(IOpenSSLContextFactory)
class ServerCertificate:
    """The certificate of a port: the one that was read last, for each connection that is made.

    Arguments:
        named: what the endpoint's string says, by its keys.

    Raises:
        OSError, ValueError, SSL.Error: a file cannot be read, or they do not belong together.
    """

    def __init__(self, named: dict[str, str]) -> None:
        self._named = named
        self._loaded = self.read()

    def read(self) -> LoadedCertificate:
        """Read the files. Nothing changes before ``use``.

        Raises:
            OSError, ValueError, SSL.Error: as above.
        """
        named = self._named
        key = Path(named.get("privateKey", "server.pem"))
        shown = Path(named.get("certKey", key))
        secret = key.read_bytes()
        if b"ENCRYPTED" in secret:
            raise ValueError(f"the key {key} has a passphrase: nobody is there to type it")
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
        """Show it on new connections. Returns whether it is another certificate than before."""
        is_another = loaded.fingerprint != self._loaded.fingerprint
        self._loaded = loaded
        return is_another

    def getContext(self) -> SSL.Context:
        """For one more connection (IOpenSSLContextFactory)."""
        return self._loaded.context


def server_endpoint(
    reactor: Any, description: str, scheduler: Scheduler | None = None
) -> tuple[IStreamServerEndpoint, ServerCertificate | None]:
    """An endpoint to listen on, and its certificate, if it has one.

    ``ssl:PORT:privateKey=FILE:certKey=FILE:clientCA=FILE`` lets in those alone who show a
    certificate that is in the last file, or was signed by one in it. ``certKey`` may have the
    certificates in between behind its own. All else is Twisted's.

    Arguments:
        scheduler: shares the time that TLS takes.

    Raises:
        Exception: of many kinds: that is no endpoint, or a file cannot be read.
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
        raise ValueError(f"there is no {min(unknown)!r}; there is {', '.join(_KEYS)}")
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
    """All certificates of a PEM file; raises OSError or ValueError if there is none."""
    found = [ssl.Certificate.loadPEM(each) for each in _PEM.findall(path.read_bytes())]
    if not found:
        raise ValueError(f"there is no certificate in {path}")
    return found
