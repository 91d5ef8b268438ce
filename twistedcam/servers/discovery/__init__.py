"""Announces the server in the local network."""

from twistedcam.servers.discovery.announcer import Announcer as Announcer
