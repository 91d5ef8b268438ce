"""The program that sends one camera's H.264 to one target.

The server starts ``python -m twistedcam.publishing.sender`` for each target (sender_process.py),
because FFmpeg connects, writes headers and ends streams in calls that nobody can interrupt. It
imports little, so that it starts at once.
"""
