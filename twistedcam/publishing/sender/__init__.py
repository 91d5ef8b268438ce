"""The program that sends one camera's H.264 to one target.

The server starts ``python -m twistedcam.publishing.sender`` for each target (sender_process.py),
because FFmpeg's calls that connect, write headers and end streams block and cannot be interrupted.
It imports few modules, so that it starts fast.
"""
