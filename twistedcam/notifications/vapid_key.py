"""The key by which push services recognize this server (VAPID, RFC 8292)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from twistedcam.errors import DiskError
from twistedcam.recording.library.hidden_folder import HiddenFolder

FILE = "vapid.pem"
_MAX_BYTES = 4096


class VapidKey:
    """The private key, made once and kept in the hidden folder, where others cannot read it.

    Browsers bind the address of a device to it: with another key none could be reached any more.
    So a file that cannot be read is never replaced. All methods block.

    Arguments:
        folder: the recordings folder.
        check: raises DiskError while the folder must not be used.
    """

    def __init__(self, folder: Path, check: Callable[[], None]) -> None:
        self._hidden = HiddenFolder(folder)
        self._check = check
        self._key: ec.EllipticCurvePrivateKey | None = None

    def private(self) -> ec.EllipticCurvePrivateKey:
        """Return the private key.

        Raises:
            DiskError: it cannot be read, or not be kept.
        """
        if self._key is None:
            self._key = self._load()
        return self._key

    def public_text(self) -> str:
        """Return the public key as browsers take it: an uncompressed point in base64url.

        Raises:
            DiskError: as of ``private``.
        """
        point = (
            self.private().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def _load(self) -> ec.EllipticCurvePrivateKey:
        self._check()
        path = self._hidden.path / FILE
        try:
            self._hidden.path.parent.mkdir(parents=True, exist_ok=True)
            with self._hidden.changing(FILE):  # two servers may have one folder
                try:
                    data = self._hidden.read(FILE, _MAX_BYTES)[0]
                except FileNotFoundError:
                    data = b""
                if not data:  # the lock makes an empty file
                    data = _made()
                    self._hidden.write(FILE, data, sync=True)
            key = load_pem_private_key(data, None)
        except OSError as error:
            raise DiskError(f"{path} cannot be used: {error.strerror or error}") from error
        except (ValueError, TypeError) as error:
            raise DiskError(f"{path} has no key for notifications: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise DiskError(f"{path} has no key of the curve P-256")
        return key


def _made() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
