"""The commands of the server, for all ports: each is a function."""

from twistedcam.commands.cameras import VisibleCameras
from twistedcam.commands.command import Answer, Command, Parameter
from twistedcam.commands.dispatch import run_command
from twistedcam.commands.registry import Registry
from twistedcam.commands.standard import standard_commands

__all__ = [
    "Answer",
    "Command",
    "Parameter",
    "Registry",
    "VisibleCameras",
    "run_command",
    "standard_commands",
]
