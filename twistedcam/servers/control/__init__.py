"""The control port. See docs/control-protocol.md."""
