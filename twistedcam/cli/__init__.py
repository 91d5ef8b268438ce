"""The command line: ``twistedcam COMMAND``."""

from twistedcam.cli.main import main

__all__ = ["main"]
