"""Client endpoints with TLS for Twisted: like ``client.connect_tls`` without known servers."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.errors import CertificateRefused
from twistedcam.tls.client import Trust
from twistedcam.tls.fingerprint import fingerprint_of
from twistedcam.tls.server_endpoint import certificates_in

#: OpenSSL's SSL_OP_LEGACY_SERVER_CONNECT.
_LEGACY_SERVER_CONNECT = 0x4


def client_endpoint(reactor: Any, host: str, port: int, trust: Trust) -> IStreamClientEndpoint:
    """Return an endpoint that checks the server's certificate. ``known_servers`` is not used.

    A refused certificate ends the connection: with CertificateRefused if a fingerprint was
    given, else with OpenSSL's own error.

    Raises:
        OSError, ValueError: a file of certificates cannot be read.
    """
    own = None
    if trust.certificate is not None:
        own = ssl.PrivateCertificate.loadPEM(Path(trust.certificate).read_bytes())
    if trust.fingerprint is not None:
        creator: Any = _Pinned(host, trust.fingerprint, own)
    else:
        roots = None
        if trust.cafile is not None:
            roots = ssl.trustRootFromCertificates(certificates_in(Path(trust.cafile)))
        creator = ssl.optionsForClientTLS(host, roots, own)
    endpoint: IStreamClientEndpoint = wrapClientTLS(creator, HostnameEndpoint(reactor, host, port))
    return endpoint


def unverified_endpoint(reactor: Any, host: str, port: int) -> IStreamClientEndpoint:
    """Return an endpoint that accepts any certificate, and old versions of TLS: for cameras."""
    endpoint: IStreamClientEndpoint = wrapClientTLS(
        _Unverified(host), HostnameEndpoint(reactor, host, port)
    )
    return endpoint


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """Accepts any certificate."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self._context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        self._context.set_options(_LEGACY_SERVER_CONNECT)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return a connection for a protocol."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if not isIPAddress(self._host) and not isIPv6Address(self._host):
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection


@implementer(IOpenSSLClientConnectionCreator)
class _Pinned:
    """Accepts one certificate by its fingerprint, no matter who has signed it."""

    def __init__(self, host: str, fingerprint: str, own: ssl.PrivateCertificate | None) -> None:
        self._host = host
        self._fingerprint = fingerprint
        options = ssl.CertificateOptions(
            privateKey=None if own is None else own.privateKey.original,
            certificate=None if own is None else own.original,
            verify=False,
            raiseMinimumTo=ssl.TLSVersion.TLSv1_2,
        )
        self._context = options.getContext()
        self._context.set_info_callback(self._check)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return a connection that checks the certificate before anything is sent."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection

    def _check(self, connection: SSL.Connection, where: int, _: int) -> None:
        if not where & SSL.SSL_CB_HANDSHAKE_DONE:
            return
        shown = connection.get_peer_certificate()
        der = b"" if shown is None else shown.to_cryptography().public_bytes(Encoding.DER)
        found = fingerprint_of(der)
        if not hmac.compare_digest(found, self._fingerprint):
            error = CertificateRefused(
                f"{self._host} shows another certificate: its fingerprint is {found}"
            )
            connection.get_app_data().failVerification(Failure(error))
