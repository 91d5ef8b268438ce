"""Long runs that look for what is left over: of the server, and of its viewers."""
