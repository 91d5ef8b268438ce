"""All errors of twistedcam.

Each class has the ``code`` that the protocols send. The message of an instance is a sentence for
people, with advice where there is any.
"""

from __future__ import annotations

from typing import ClassVar


class TwistedcamError(Exception):
    """The base class of all errors that twistedcam raises deliberately."""

    code: ClassVar[str] = "internal"


# Errors of commands (control port, ctl, HTTP API, tray).


class CommandError(TwistedcamError):
    """A command was not carried out."""


class UnknownCommand(CommandError):
    """No command has that name."""

    code = "unknown-command"


class BadArgument(CommandError):
    """A word, a value, a source or an option is invalid."""

    code = "bad-argument"


class NoSuchCamera(CommandError):
    """No camera has that name."""

    code = "no-such-camera"


class CameraNeeded(CommandError):
    """A command names no camera, and there are several."""

    code = "camera-needed"


class NoSuchRecording(CommandError):
    """No recording has that name."""

    code = "no-such-recording"


class NotRecording(CommandError):
    """The camera is not being recorded."""

    code = "not-recording"


class NoSuchViewer(CommandError):
    """No viewer has that number."""

    code = "no-such-viewer"


class NoSuchEvent(CommandError):
    """No event has that ID, or there is no picture of it."""

    code = "no-such-event"


class NoSuchHook(CommandError):
    """No hook has that name."""

    code = "no-such-hook"


class NoSuchLogin(CommandError):
    """No login to the page has that id."""

    code = "no-such-login"


class Conflict(CommandError):
    """Something has changed since the client has read it."""

    code = "conflict"


class HookFailed(CommandError):
    """A hook's program or server has failed. The message has the reason."""

    code = "hook-failed"


class PushFailed(CommandError):
    """A push service has not accepted a notification.

    Arguments:
        status: the status of its answer; None if there is none.
        wait: seconds after which it may be asked again; None if it does not say.
    """

    code = "push-failed"

    def __init__(self, reason: str, status: int | None = None, wait: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.wait = wait


class NotSupported(CommandError):
    """This camera, or this system, cannot do that."""

    code = "not-supported"


class CameraFailed(CommandError):
    """The camera delivers no picture. The message has the driver's reason."""

    code = "camera-failed"


class Stalled(CameraFailed):
    """The device is open and delivers no picture."""


class LoginRefused(CameraFailed):
    """The camera refuses the user name or the password of its URL, or needs one."""


class SourceEnded(CameraFailed):
    """The source is at its end: a file that is played once."""


class TargetFailed(CommandError):
    """A publish target refuses the video. The message has its reason."""

    code = "target-failed"


class DiskError(CommandError):
    """A file could not be written. The message has the system's reason."""

    code = "disk"


class RecordingFailed(CommandError):
    """A recording could not be written, for another reason than the disk."""


class TooOften(CommandError):
    """Requests came more often than the limit."""

    code = "too-many"


class Unauthorized(CommandError):
    """The token is missing or wrong."""

    code = "unauthorized"


class Forbidden(Unauthorized):
    """The token is valid, but does not have the right."""


class LineTooLong(CommandError):
    """A control line is longer than the limit."""

    code = "line-too-long"


class NoServer(TwistedcamError):
    """A client found no server or lost it. The message has the address."""

    code = "no-server"


def error_from_code(code: str, message: str) -> TwistedcamError:
    """Return the error of a server's answer, for its client to raise."""
    kinds: list[type[CommandError]] = [CommandError, *CommandError.__subclasses__()]
    for known in kinds:
        if known.code == code:
            return known(message)
    return CommandError(f"{code}: {message}")


# Errors that end a connection of the frame protocol.


class WireError(TwistedcamError):
    """An error that ends a connection of the frame protocol."""

    code = "bad-message"


class BadMessage(WireError):
    """A wrong magic number, type or order, invalid JSON, or an image unlike its header."""


class TooLarge(WireError):
    """A message is longer than the limit."""

    code = "too-large"


class VersionMismatch(WireError):
    """The peer uses another version of the protocol."""

    code = "version"


class Busy(WireError):
    """Another client publishes to this camera already."""

    code = "busy"


class UnknownCamera(WireError):
    """A connection asked for a camera that does not exist."""

    code = "no-such-camera"


class UnsupportedCodec(WireError):
    """The camera's video is not available in a codec that the client understands."""

    code = "not-supported"


class TooMany(WireError):
    """The server has reached its limit of connections."""

    code = "too-many"


class Silence(WireError):
    """The peer sent nothing for too long, or no JOIN."""

    code = "timeout"


class Disconnected(TwistedcamError):
    """The peer closed the connection, or it was lost."""

    code = "disconnected"


class CertificateRefused(TwistedcamError):
    """The server's certificate is not accepted."""

    code = "certificate"


class StartupError(TwistedcamError):
    """The program cannot start: a port is taken, a folder cannot be written, a file is missing."""

    code = "startup"
