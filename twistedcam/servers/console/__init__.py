"""Control by single keys in the server's own terminal."""
