"""Commands, health and metrics over HTTP."""
