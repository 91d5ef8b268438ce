"""The control port: the vocabulary over telnet. See docs/control-protocol.md."""

from twistedcam.control.port import ControlFactory

__all__ = ["ControlFactory"]
