"""Microphones: those of this machine, and their sound, which a process of its own reads."""
