"""Makes self-signed certificates, which clients know by their fingerprint."""

from __future__ import annotations

import ipaddress
import os
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from twistedcam.errors import BadArgument, DiskError
from twistedcam.tls.fingerprint import fingerprint_of

KEY, CERTIFICATE = "key.pem", "cert.pem"


def make_certificate(
    folder: Path, names: list[str], now: datetime, days: int = 3650, client: bool = False
) -> str:
    """Write ``key.pem``, readable by its owner alone, and ``cert.pem``. Return the fingerprint.

    The key uses the curve P-256, which every TLS 1.2 client supports.

    Arguments:
        names: host names and addresses of a server, or the name of a client.
        now: the start of its validity, with a time zone.
        days: the length of its validity.
        client: True for a client's certificate, False for a server's.

    Raises:
        BadArgument: one of the files exists, or a name is invalid.
        DiskError: a file could not be written. In both cases no file was made.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([_general_name(each) for each in names])
    except ValueError as error:
        raise BadArgument(f"that is not a valid name for a certificate: {error}") from None
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=days))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            _write_new(undo, folder / KEY, secret, 0o600)
            pem = made.public_bytes(serialization.Encoding.PEM)
            _write_new(undo, folder / CERTIFICATE, pem, 0o644)
            undo.pop_all()
    except FileExistsError as error:
        raise BadArgument(
            f"{error.filename} exists already: remove it first, or name another folder (--dir)"
        ) from None
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror}") from error
    return fingerprint_of(made.public_bytes(serialization.Encoding.DER))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_new(undo: ExitStack, path: Path, data: bytes, mode: int) -> None:
    """Write a new file. It is removed if a later step fails: a key alone is of no use."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    undo.callback(path.unlink)
    with open(handle, "wb") as file:
        file.write(data)
