"""The viewer program, built on twistedcam's public client."""
