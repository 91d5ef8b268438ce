"""Connects to a server with TLS and checks its certificate."""

from __future__ import annotations

import hmac
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from twistedcam.errors import BadArgument, CertificateRefused
from twistedcam.tls.fingerprint import fingerprint_of
from twistedcam.tls.known_servers import SIGNED, KnownServers


@dataclass(frozen=True)
class Trust:
    """Rules for accepting a server's certificate.

    These are tried in order: the fingerprint, if one is given; the certificate that the server
    showed before; a certificate signed by an authority in ``cafile``, or else in the system's
    store. If ``known_servers`` is given, the first certificate of a server is accepted and kept.

    Arguments:
        fingerprint: SHA-256, 64 hexadecimal digits in lower case.
        cafile: a PEM file of certificates to trust instead of the system's.
        known_servers: certificates of earlier connections; None: nothing is remembered.
        certificate: a PEM file with this client's certificate and key, for servers that ask.
        tell: called with a sentence when the first certificate of a server is accepted.
    """

    fingerprint: str | None = None
    cafile: str | None = None
    known_servers: KnownServers | None = None
    certificate: str | None = None
    tell: Callable[[str], None] = lambda text: None


def connect_tls(host: str, port: int, trust: Trust, timeout: float) -> ssl.SSLSocket:
    """Return an encrypted connection to a server whose certificate is accepted.

    Arguments:
        timeout: seconds for the connection, and again for the handshake.

    Raises:
        CertificateRefused: the certificate is not accepted.
        BadArgument: a file of certificates cannot be read.
        OSError: no server answers, or it does not use TLS.
    """
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    pin = trust.fingerprint
    if pin is None and trust.known_servers is not None:
        pin = trust.known_servers.get(server)
    if pin is not None and pin != SIGNED:
        return _connect_pinned(host, port, trust, timeout, pin, server)
    try:
        secure = _handshake(host, port, _context(trust, verify=True), timeout)
    except ssl.SSLCertVerificationError as error:
        if trust.known_servers is None or pin == SIGNED or trust.cafile is not None:
            raise CertificateRefused(
                f"the certificate of {server} is not trusted: {error.verify_message}. "
                "If it is the right one, name its --fingerprint"
            ) from None
    else:
        if trust.known_servers is not None and pin is None and trust.cafile is None:
            trust.known_servers.put(server, SIGNED)
        return secure
    return _connect_first(host, port, trust, timeout, server)


def check_files(trust: Trust) -> None:
    """Check that the files of certificates can be read.

    Raises:
        BadArgument: one cannot be read.
    """
    _context(trust, verify=False)


def explained(error: Exception) -> Exception:
    """Return a clearer error if the server requires a client certificate, else the error itself.

    With TLS 1.3 a client gets this error only when it reads.
    """
    if isinstance(error, ssl.SSLError) and "CERTIFICATE_REQUIRED" in (error.reason or ""):
        return CertificateRefused(
            "the server requires a client certificate: use --cert FILE, with certificate and "
            "key (twistedcam tls-init --client NAME)"
        )
    return error


def _connect_pinned(
    host: str, port: int, trust: Trust, timeout: float, pin: str, server: str
) -> ssl.SSLSocket:
    secure = _handshake(host, port, _context(trust, verify=False), timeout)
    found = _shown(secure)
    if hmac.compare_digest(found, pin):
        return secure
    secure.close()
    if trust.fingerprint is not None:
        raise CertificateRefused(f"{server} shows another certificate: its fingerprint is {found}")
    assert trust.known_servers is not None
    raise CertificateRefused(
        f"{server} shows another certificate than before: its fingerprint is {found}. Somebody may "
        "intercept the connection. If it was changed on purpose, remove the server from "
        f"{trust.known_servers.path}"
    )


def _connect_first(
    host: str, port: int, trust: Trust, timeout: float, server: str
) -> ssl.SSLSocket:
    assert trust.known_servers is not None
    secure = _handshake(host, port, _context(trust, verify=False), timeout)
    found = _shown(secure)
    trust.known_servers.put(server, found)
    trust.tell(
        f"this is the first connection to {server}; from now on only this certificate is "
        f"accepted, with the fingerprint {found}"
    )
    return secure


def _handshake(host: str, port: int, context: ssl.SSLContext, timeout: float) -> ssl.SSLSocket:
    connection = socket.create_connection((host, port), timeout)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _context(trust: Trust, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=trust.cafile)
    except OSError as error:
        reason = _unread(error, "it contains no certificate")
        raise BadArgument(
            f"the certificates to trust, {trust.cafile}, cannot be read: {reason}: name a PEM file"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.certificate is not None:
        try:
            context.load_cert_chain(trust.certificate)
        except OSError as error:
            reason = _unread(error, "one of both is missing, or they do not belong together")
            raise BadArgument(
                f"the client's certificate and key, {trust.certificate}, cannot be read: {reason}: "
                "put both into one PEM file (twistedcam tls-init --client NAME makes them)"
            ) from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _unread(error: OSError, other: str) -> str:
    return other if isinstance(error, ssl.SSLError) else error.strerror or str(error)


def _shown(secure: ssl.SSLSocket) -> str:
    return fingerprint_of(secure.getpeercert(binary_form=True) or b"")
