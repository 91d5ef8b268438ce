"""The program that reads films with FFmpeg: ``python -m twistedcam.recording.media_worker``.

Anybody can put a file into the recordings folder, and FFmpeg reads hundreds of formats: a file can
make it crash, take all memory, or never end. So the server reads none itself. It starts this
program when there is one to read (recording/media_reader.py), and this one may die of it.
It imports little, so that it starts at once.
"""
