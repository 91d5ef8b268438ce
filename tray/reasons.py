"""The reasons why there is no connection to the server, in words for people."""

from __future__ import annotations

import errno
import socket

from tray.address import Address
from twistedcam.errors import CertificateRefused, Forbidden, NoServer, TwistedcamError, Unauthorized

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def reason(error: TwistedcamError, address: Address) -> str:
    """Return a sentence that names no error of the system.

    Arguments:
        error: raised by the connection or its commands.
    """
    server = "The camera server" if address.here else f"The camera server on {address.host}"
    if isinstance(error, CertificateRefused):
        return f"{server} shows a certificate that this computer does not know"
    if isinstance(error, Unauthorized):
        return _login(error, server, address.token)
    if isinstance(error, NoServer):
        return _absence(error, server, address)
    return _sentence(error)


def _login(error: Unauthorized, server: str, token: str | None) -> str:
    if isinstance(error, Forbidden):
        return _sentence(error)  # it names the missing right
    return f"{server} asks for a token" if token is None else f"{server} does not accept the token"


def _absence(error: NoServer, server: str, address: Address) -> str:
    match error.__context__:
        case ConnectionRefusedError() | FileNotFoundError():
            return f"{server} is not running"
        case socket.gaierror() | UnicodeError():
            return f"There is no computer with the name {address.host}"
        case TimeoutError():
            return f"{server} does not answer"
        case PermissionError():
            return f"{server} may not be used by this user"
        case OSError(errno=code) if code in _UNREACHABLE:
            return f"The computer {address.host} cannot be reached"
        case OSError():
            return f"The connection to {_inside(server)} is lost"
    if "closed" in str(error) or "lost" in str(error):
        return f"{server} has ended the connection"
    return _sentence(error)


def _inside(server: str) -> str:
    return f"{server[0].lower()}{server[1:]}"


def _sentence(error: TwistedcamError) -> str:
    """Return the error's own text without its advice for the terminal."""
    text = str(error).partition(": '")[0]
    return f"{text[:1].upper()}{text[1:]}"
