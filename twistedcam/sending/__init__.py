"""The program that sends one camera's H.264 to one target: ``python -m twistedcam.sending``.

The server starts one for each target (publishing/link.py), because FFmpeg connects, writes headers
and ends streams in calls that nobody can interrupt. It imports little, so that it starts at once.
"""
