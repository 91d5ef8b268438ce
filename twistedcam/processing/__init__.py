"""User code: a function that gets a camera's newest frames and makes another camera of them."""

from twistedcam.processing.processor import Process, Processor
from twistedcam.processing.user_code import Code, check_code, parse_process

__all__ = ["Code", "Process", "Processor", "check_code", "parse_process"]
