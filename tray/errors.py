"""Errors of the tray."""

from __future__ import annotations

from twistedcam.errors import TwistedcamError


class TrayError(TwistedcamError):
    """The tray cannot run. The message says what to install or set."""

    code = "tray"
