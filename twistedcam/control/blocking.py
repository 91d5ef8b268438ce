"""The earlier name of :mod:`twistedcam.clients.control.blocking`."""

from twistedcam.clients.control.blocking import *  # noqa: F403
