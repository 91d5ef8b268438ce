"""Everything that can go wrong, by name.

Each class has the ``code`` that the protocols send; the message of an instance is the sentence
that a person reads, and it says what to do where something can be done.
"""

from __future__ import annotations

from typing import ClassVar


class TwistedcamError(Exception):
    """The root of all errors that twistedcam raises on purpose."""

    code: ClassVar[str] = "internal"


# What a command can be answered with (control port, ctl, HTTP API, tray).


class CommandError(TwistedcamError):
    """A command was not carried out."""


class UnknownCommand(CommandError):
    """There is no command of that name."""

    code = "unknown-command"


class BadArgument(CommandError):
    """A word, a value, a source or an option is not what it has to be."""

    code = "bad-argument"


class NoSuchCamera(CommandError):
    """No camera has that name."""

    code = "no-such-camera"


class CameraNeeded(CommandError):
    """There are several cameras and the command did not say which."""

    code = "camera-needed"


class NoSuchRecording(CommandError):
    """No recording has that name."""

    code = "no-such-recording"


class NotRecording(CommandError):
    """The camera is not being recorded."""

    code = "not-recording"


class NoSuchViewer(CommandError):
    """Nobody with that number watches."""

    code = "no-such-viewer"


class NotSupported(CommandError):
    """This camera, or this system, cannot do that."""

    code = "not-supported"


class CameraFailed(CommandError):
    """The camera gives no picture; the message has the driver's reason."""

    code = "camera-failed"


class Stalled(CameraFailed):
    """The device is there and gives no picture."""


class LoginRefused(CameraFailed):
    """The camera refuses the user name or the password in its address, or wants one."""


class SourceEnded(CameraFailed):
    """The source has given all it had: a film that is played once is at its end."""


class TargetFailed(CommandError):
    """A publish target does not take video; the message has its reason."""

    code = "target-failed"


class DiskError(CommandError):
    """A file could not be written; the message has the system's reason."""

    code = "disk"


class RecordingFailed(CommandError):
    """A recording could not be written, and the disk is not the reason."""


class TooOften(CommandError):
    """It was asked for more often than the limit."""

    code = "too-many"


class Unauthorized(CommandError):
    """The token is missing or wrong."""

    code = "unauthorized"


class Forbidden(Unauthorized):
    """The token is right, and has not this right."""


class LineTooLong(CommandError):
    """A control line of more bytes than the limit."""

    code = "line-too-long"


class NoServer(TwistedcamError):
    """A client finds no server, or lost it; the message says where it looked."""

    code = "no-server"


def error_from_code(code: str, message: str) -> TwistedcamError:
    """The error that a server named in an answer, to be raised by its client."""
    kinds: list[type[CommandError]] = [CommandError, *CommandError.__subclasses__()]
    for known in kinds:
        if known.code == code:
            return known(message)
    return CommandError(f"{code}: {message}")


# What the frame protocol ends a connection with.


class WireError(TwistedcamError):
    """A frame connection that has to end."""

    code = "bad-message"


class BadMessage(WireError):
    """Wrong mark, unknown type, bad JSON, out of turn, or an image that belies its header."""


class TooLarge(WireError):
    """A message longer than the limit."""

    code = "too-large"


class VersionMismatch(WireError):
    """The other side speaks another version of the protocol."""

    code = "version"


class Busy(WireError):
    """Somebody else publishes to this camera already."""

    code = "busy"


class UnknownCamera(WireError):
    """A connection asked for a camera that there is not."""

    code = "no-such-camera"


class TooMany(WireError):
    """The server has as many connections as it may have."""

    code = "too-many"


class Silence(WireError):
    """Nothing was heard for too long, or no JOIN came."""

    code = "timeout"


class Disconnected(TwistedcamError):
    """The other side ended the connection, or it broke."""

    code = "disconnected"


class CertificateRefused(TwistedcamError):
    """The server's certificate is not the one that it has to be."""

    code = "certificate"


class StartupError(TwistedcamError):
    """The program cannot start: a port is taken, a folder cannot be written, a file is missing."""

    code = "startup"
