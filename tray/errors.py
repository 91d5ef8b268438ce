"""What keeps the tray from its work."""

from __future__ import annotations

from twistedcam.errors import TwistedcamError


class TrayError(TwistedcamError):
    """There is no tray here; the message says what to install or to set."""

    code = "tray"
