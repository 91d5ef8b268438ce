"""Moves cameras that can pan, tilt and zoom."""

from twistedcam.camera.ptz.controller import PtzController as PtzController
