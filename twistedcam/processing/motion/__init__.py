"""Detection of motion in a camera's pictures."""
