"""What a server is told at its start: options, and a configuration file."""
