"""The devices that get notifications, kept in a file over restarts."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.logger import Logger

from twistedcam.errors import BadArgument, DiskError, TooMany
from twistedcam.recording.library.hidden_folder import HiddenFolder

log = Logger()

FILE = "push.json"
#: Most devices, and most of one login. Each has about 500 bytes in the file.
MAX_DEVICES = 200
MAX_OF_LOGIN = 5
#: Most characters of a device's address.
MAX_ENDPOINT = 1000
_MAX_BYTES = 1 << 20
_VERSION = 1
_LANGUAGE = re.compile(r"[a-z]{2,3}")
#: Bytes of a device's public key and of its secret (RFC 8291).
_KEY_BYTES, _SECRET_BYTES = 65, 16


class PushDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that gets notifications.

    Arguments:
        endpoint: the address at its push service; who knows it can send to the device.
        p256dh, auth: the device's public key and secret in base64url: only it can read messages.
        login: the key of its login to the page; empty on a server without tokens.
        motion, faults: the kinds of notifications that it gets.
        language: the language of its page.
    """

    endpoint: str
    p256dh: str
    auth: str
    login: str = ""
    motion: bool = True
    faults: bool = True
    language: str = "en"

    @property
    def host(self) -> str:
        """The push service, for messages: the rest of the address is a secret."""
        return urlsplit(self.endpoint).hostname or ""

    def check(self) -> None:
        """Check the values that came from a browser.

        Raises:
            BadArgument: one of them is not valid.
        """
        if len(self.endpoint) > MAX_ENDPOINT or not self.endpoint.isascii():
            raise BadArgument(f"endpoint must be a URL of at most {MAX_ENDPOINT} characters")
        if not _LANGUAGE.fullmatch(self.language):
            raise BadArgument("language must be the code of a language, such as en")
        try:
            point = _decode(self.p256dh, _KEY_BYTES)
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            _decode(self.auth, _SECRET_BYTES)
        except ValueError:
            raise BadArgument("keys must have p256dh and auth, as browsers make them") from None


class _Contents(msgspec.Struct):
    version: int
    devices: list[PushDevice]


class PushDevices:
    """The devices, by their endpoints. All methods block, for a small file.

    Arguments:
        folder: the recordings folder.
        check: raises DiskError while the folder must not be used.
    """

    def __init__(self, folder: Path, check: Callable[[], None]) -> None:
        self._hidden = HiddenFolder(folder)
        self._check = check
        self._devices: dict[str, PushDevice] | None = None

    def all(self) -> list[PushDevice]:
        """Return all devices, the oldest first."""
        return list(self._all().values())

    def get(self, endpoint: str) -> PushDevice | None:
        """Return the device of that endpoint, or None."""
        return self._all().get(endpoint)

    def put(self, device: PushDevice) -> None:
        """Add a device, or replace that of the same endpoint.

        Beyond ``MAX_OF_LOGIN`` the oldest one of its login is removed.

        Raises:
            BadArgument: a value is not valid.
            TooMany: there are ``MAX_DEVICES``.
            DiskError: the file cannot be written; nothing has changed.
        """
        device.check()
        devices = dict(self._all())
        devices.pop(device.endpoint, None)
        own = [each for each in devices.values() if each.login == device.login]
        if device.login and len(own) >= MAX_OF_LOGIN:
            del devices[own[0].endpoint]
        if len(devices) >= MAX_DEVICES:
            raise TooMany(f"{MAX_DEVICES} devices get notifications already")
        devices[device.endpoint] = device
        self._replace(devices)

    def remove(self, endpoint: str) -> None:
        """Remove a device, if it exists.

        Raises:
            DiskError: the file cannot be written; the device gets no more notifications until the
                server ends.
        """
        devices = dict(self._all())
        if devices.pop(endpoint, None) is not None:
            self._devices = devices
            self._replace(devices)

    def _all(self) -> dict[str, PushDevice]:
        if self._devices is None:
            self._devices = self._read()
        return self._devices

    def _read(self) -> dict[str, PushDevice]:
        try:
            self._check()
            data = self._hidden.read(FILE, _MAX_BYTES)[0]
            found = msgspec.json.decode(data, type=_Contents)
            if found.version != _VERSION:
                raise ValueError(f"its version is {found.version}")
            for each in found.devices:
                each.check()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, DiskError, BadArgument) as error:
            log.warn("the devices for notifications were not read: {why}", why=str(error))
            return {}
        return {each.endpoint: each for each in found.devices[:MAX_DEVICES]}

    def _replace(self, devices: dict[str, PushDevice]) -> None:
        try:
            self._check()
            self._hidden.path.parent.mkdir(parents=True, exist_ok=True)
            data = msgspec.json.encode(_Contents(_VERSION, list(devices.values())))
            self._hidden.write(FILE, data, sync=True)
        except OSError as error:
            raise DiskError(f"{FILE} cannot be written: {error.strerror}") from error
        self._devices = devices


def device_from(body: dict[str, Any], login: str) -> PushDevice:
    """Return the device that the body of a request describes, as ``PushSubscription`` does.

    Raises:
        BadArgument: a value is missing, or not valid.
    """
    keys = body.get("keys")
    values = {**body, **(keys if isinstance(keys, dict) else {}), "login": login}
    values.pop("keys", None)
    values.pop("expirationTime", None)
    try:
        device = msgspec.convert(values, PushDevice)
    except msgspec.ValidationError as error:
        raise BadArgument(str(error)) from None
    device.check()
    return device


def _decode(text: str, count: int) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if len(data) != count:
        raise ValueError(f"{len(data)} bytes in place of {count}")
    return data
