"""User code on the picture: a function that gets a camera's newest frames and makes another of it.

See docs/processing.md.
"""

from twistedcam.processing.code import Code, check_code, parse_process
from twistedcam.processing.processor import RUNS_IN, Process, Processor

__all__ = ["RUNS_IN", "Code", "Process", "Processor", "check_code", "parse_process"]
