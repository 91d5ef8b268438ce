"""The viewer: a program on twistedcam's public client side."""
