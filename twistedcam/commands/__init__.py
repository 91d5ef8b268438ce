"""The one vocabulary: every command is a function here, whoever asks for it."""

from twistedcam.commands.command import Answer, Command, Parameter
from twistedcam.commands.registry import Registry
from twistedcam.commands.vocabulary import standard_commands

__all__ = ["Answer", "Command", "Parameter", "Registry", "standard_commands"]
