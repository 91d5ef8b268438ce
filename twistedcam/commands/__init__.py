"""The commands of the server, for all ports: each is a function."""

from twistedcam.commands.command import Answer, Command, Parameter
from twistedcam.commands.dispatch import run_command
from twistedcam.commands.registry import Registry
from twistedcam.commands.standard import standard_commands
from twistedcam.commands.visible_cameras import RecordedCamera, VisibleCameras

__all__ = [
    "Answer",
    "Command",
    "Parameter",
    "RecordedCamera",
    "Registry",
    "VisibleCameras",
    "run_command",
    "standard_commands",
]
