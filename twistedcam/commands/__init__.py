"""The one vocabulary: every command is a function here, whoever asks for it."""

from twistedcam.commands.cameras import VisibleCameras
from twistedcam.commands.command import Answer, Command, Parameter
from twistedcam.commands.dispatch import carry_out
from twistedcam.commands.registry import Registry
from twistedcam.commands.standard import standard_commands

__all__ = [
    "Answer",
    "Command",
    "Parameter",
    "Registry",
    "VisibleCameras",
    "carry_out",
    "standard_commands",
]
