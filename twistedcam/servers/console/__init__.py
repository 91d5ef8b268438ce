"""Single keys in the server's own terminal."""
