"""The one vocabulary: every command is a function here, whoever asks for it."""

from twistedcam.commands.registry import Answer, Command, Parameter, Registry
from twistedcam.commands.vocabulary import standard_commands

__all__ = ["Answer", "Command", "Parameter", "Registry", "standard_commands"]
