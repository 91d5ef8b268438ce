"""The earlier name of :mod:`twistedcam.clients.control.twisted`."""

from twistedcam.clients.control.twisted import *  # noqa: F403
