"""Clients of a twistedcam server, for Python programs."""
