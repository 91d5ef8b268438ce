"""Cameras of the Raspberry Pi, which Picamera2 reads in a process of its own."""
