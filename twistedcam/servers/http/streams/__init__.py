"""Live pictures and events over HTTP."""
