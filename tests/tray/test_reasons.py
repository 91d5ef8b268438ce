"""Why there is no server, in words for people."""

from __future__ import annotations

import errno
import socket

import pytest

from tray.address import Address
from tray.reasons import reason
from twistedcam.errors import CertificateRefused, Forbidden, NoServer, TwistedcamError, Unauthorized

HERE = Address()
THERE = Address("tcp:cellar:9531", token="s3")


def caused(cause: Exception, text: str = "no server at tcp:x:1: Errno 9: 'twistedcam'") -> NoServer:
    """The error as the client raises it."""
    try:
        try:
            raise cause
        except OSError:
            raise NoServer(text) from None
    except NoServer as error:
        return error


@pytest.mark.parametrize(
    ("cause", "here", "there"),
    [
        (ConnectionRefusedError(), " is not running", " is not running"),
        (FileNotFoundError(), " is not running", " is not running"),
        (TimeoutError(), " does not answer", " does not answer"),
        (PermissionError(), " may not be used by this user", " may not be used by this user"),
    ],
)
def test_a_server_that_is_away_is_named_with_its_computer(
    cause: OSError, here: str, there: str
) -> None:
    assert reason(caused(cause), HERE) == f"The camera server{here}"
    assert reason(caused(cause), THERE) == f"The camera server on cellar{there}"


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (socket.gaierror(-2, "x"), "There is no computer with the name cellar"),
        (OSError(errno.EHOSTUNREACH, "x"), "The computer cellar cannot be reached"),
        (ConnectionResetError(), "The connection to the camera server on cellar is lost"),
    ],
)
def test_a_computer_that_is_away_is_named(cause: OSError, text: str) -> None:
    assert reason(caused(cause), THERE) == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NoServer("the server has closed the connection"), " has ended the connection"),
        (Unauthorized("that token is wrong"), " does not accept the token"),
        (CertificateRefused("3f:aa"), " shows a certificate that this computer does not know"),
    ],
)
def test_a_server_that_refuses_is_named(error: TwistedcamError, text: str) -> None:
    assert reason(error, THERE) == f"The camera server on cellar{text}"


def test_other_reasons_are_sentences_without_advice_for_the_terminal() -> None:
    assert reason(Unauthorized("this server requires a token"), HERE) == (
        "The camera server asks for a token"
    )
    missing = Forbidden("the token 'x' does not have the right 'view'")
    assert reason(missing, HERE) == "The token 'x' does not have the right 'view'"
    assert reason(NoServer("it is old: 'pip' updates it"), HERE) == "It is old"
