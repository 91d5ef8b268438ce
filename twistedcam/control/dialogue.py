"""The earlier name of :mod:`twistedcam.clients.control.dialogue`."""

from twistedcam.clients.control.dialogue import *  # noqa: F403
from twistedcam.clients.control.dialogue import ControlClientSession

Dialogue = ControlClientSession
