"""What the process asks of the operating system, and what knows nothing of cameras."""
